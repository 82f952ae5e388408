/**
 * Lockex's side of one guard process: sends it lines, and turns its answers into events. Never
 * replaces it (guard-keeper.ts does).
 */
import { accessSync, constants } from 'node:fs';
import { type Child, type ChildSocket, NO_SOCKET, startChild } from '../../platform/child.ts';
import { joinLines, lineOf, lineSplitter } from '../line-protocol.ts';
import { GUARD_BOOT, GUARD_ENDING, GUARD_SCRIPT } from './guard-script.ts';
import { raisePriority } from './priority.ts';

export interface GuardEvents {
  /** It has accepted the deadline of this line. */
  readonly onBeat: (line: string) => void;
  /** It has begun to kill the command, and accepts no more deadlines. */
  readonly onFiring: () => void;
  /** `what`: `ended`, or why it could not be started. */
  readonly onGone: (what: string) => void;
  /** The kernel does not execute its shell: no other event follows. */
  readonly onUnfit: (code: string) => void;
}

/** Errors that would also occur with another shell. */
const SHORTAGES = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'E2BIG'];

export class Guard {
  readonly #child: Child;
  readonly #socket: ChildSocket;
  #state: 'running' | 'gone' = 'running';

  /** `facts`: lines that are passed in its environment; none may be a secret. */
  constructor(shell: readonly string[], facts: readonly string[], events: GuardEvents) {
    const gone = (what: string) => {
      if (this.#state === 'gone') return;
      this.#state = 'gone';
      this.#socket.close();
      events.onGone(what);
    };
    this.#child = startChild(
      {
        argv: [...shell, '-c', GUARD_BOOT, 'guard'],
        // Nothing from the user: no working directory, no output, no variable.
        cwd: '/',
        env: {
          PATH: ['/usr/bin', '/bin', process.env['PATH']].filter(Boolean).join(':'),
          LC_ALL: 'C',
          // Otherwise bash looks up the user, possibly in a directory service, which may hang.
          HOME: '/',
          SHELL: '/bin/sh',
          script: GUARD_SCRIPT,
          ending: GUARD_ENDING,
          facts: joinLines(facts.map(lineOf)),
        },
        standardStreams: 'ignore',
      },
      {
        sockets: [
          {
            onText: lineSplitter((line) => {
              if (line.startsWith('beat ')) events.onBeat(line);
              else if (line === 'firing') events.onFiring();
              else if (line === 'broken') {
                this.kill();
                gone('cannot start processes any more');
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
    this.#socket.send(joinLines(lines.map(lineOf)));
  }

  /** Closes the socket, as the kernel does if lockex is killed: the guard kills the command. */
  hangUp(): void {
    this.#socket.close();
  }

  /**
   * Kills it and its helpers before the socket is closed: at an end of file it would kill the
   * command.
   */
  kill(): void {
    if (this.#state === 'running' && this.#child.pid !== null) {
      try {
        process.kill(-this.#child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    this.#socket.close();
  }
}

/**
 * Shells for the guard, the best first. A shell whose `read` has a timeout takes a tenth of the CPU
 * time of others. bash exists on nearly every host whose /bin/sh has no such `read`.
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
