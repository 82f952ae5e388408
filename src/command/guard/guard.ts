/**
 * One guard process, as seen from lockex: what goes to it and what it says. Whether it is to be
 * replaced is decided elsewhere (guarding.ts).
 */
import { accessSync, constants } from 'node:fs';
import { type Child, type ChildSocket, NO_SOCKET, startChild } from '../../platform/child.ts';
import { asLines, lineCutter, lineOf } from '../lines.ts';
import { GUARD_BOOT, GUARD_ENDING, GUARD_SCRIPT } from './guard-script.ts';
import { raisePriority } from './priority.ts';

export interface GuardEvents {
  /** It has taken the deadline that was sent as this line. */
  readonly onBeat: (line: string) => void;
  /** It has begun to end the command, and takes nothing back. */
  readonly onFiring: () => void;
  /** `ended`, or why it could not be made. */
  readonly onGone: (what: string) => void;
  /** The kernel does not execute its shell: nothing else follows. */
  readonly onUnfit: (code: string) => void;
}

/** With these, another shell could not be started either. */
const SHORTAGES = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'E2BIG'];

export class Guard {
  readonly #child: Child;
  readonly #socket: ChildSocket;
  #gone = false;

  /** `facts`: lines that it is to know from the beginning, none of which may be a secret. */
  constructor(shell: readonly string[], facts: readonly string[], events: GuardEvents) {
    const gone = (what: string) => {
      if (this.#gone) return;
      this.#gone = true;
      this.#socket.close();
      events.onGone(what);
    };
    this.#child = startChild(
      {
        words: [...shell, '-c', GUARD_BOOT, 'guard'],
        // Nothing of the user's: no directory kept busy, no output kept open, no variable.
        cwd: '/',
        env: {
          PATH: ['/usr/bin', '/bin', process.env['PATH']].filter(Boolean).join(':'),
          LC_ALL: 'C',
          // bash would ask who it is otherwise, of a directory service perhaps, which may hang.
          HOME: '/',
          SHELL: '/bin/sh',
          script: GUARD_SCRIPT,
          ending: GUARD_ENDING,
          facts: asLines(facts.map(lineOf)),
        },
        standardStreams: 'ignore',
      },
      {
        sockets: [
          {
            onText: lineCutter((line) => {
              if (line.startsWith('beat ')) events.onBeat(line);
              else if (line === 'firing') events.onFiring();
              else if (line === 'broken') {
                this.kill();
                gone('can start no process any more');
              }
            }),
            onClosed: () => {},
          },
        ],
        onExit: () => gone('ended'),
        onError: ({ code = 'unknown error' }) => {
          if (SHORTAGES.includes(code)) gone(`could not be started (${code})`);
          else events.onUnfit(code);
        },
      },
    );
    this.#socket = this.#child.sockets[0] ?? NO_SOCKET;
    if (this.#child.pid !== null) raisePriority(this.#child.pid);
    this.#child.unref();
  }

  get pid(): number | null {
    return this.#child.pid;
  }

  send(...lines: readonly string[]): void {
    this.#socket.send(asLines(lines.map(lineOf)));
  }

  /** What it would see if lockex were killed: it ends the command. */
  hangUp(): void {
    this.#socket.close();
  }

  /**
   * Ends it and its helpers without giving it the occasion to do anything. Only then is the
   * descriptor closed: an end of file is what it ends the command for.
   */
  kill(): void {
    if (!this.#gone && this.#child.pid !== null) {
      try {
        process.kill(-this.#child.pid, 'SIGKILL');
      } catch {
        // It ended between the two lines.
      }
    }
    this.#socket.close();
  }
}

/**
 * Best first. A shell whose `read` has a timeout costs a tenth of what the others do (guard.sh).
 * bash is there on nearly every host whose /bin/sh has none.
 */
export function guardShells(fallback: readonly string[]): readonly (readonly string[])[] {
  const found = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'].filter(isExecutable);
  return [...found.map((path) => [path, '--norc']), fallback];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
