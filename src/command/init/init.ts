/**
 * One init process, as seen from lockex (init-runtime.ts has the protocol): the gate's process is its
 * child, and every orphan of the command becomes its child. What it reports counts as the truth about
 * the first process. Never replaces an init that ended: it says so, and kills the first process.
 */
import { constants } from 'node:os';
import type { CommandExit } from '../../../machines/outcome.ts';
import { type Child, type ChildSocket, NO_SOCKET, startChild } from '../../platform/child.ts';
import type { Clock } from '../../util/clock.ts';
import {
  type Descendants,
  type GateProcess,
  type GateProcessEvents,
  type GateProcessOptions,
  NO_START_TIME,
} from '../gate/gate-process.ts';
import { lineCutter } from '../lines.ts';
import type { Identity } from '../options.ts';
import { findLiving, startOf } from '../processes/process-table.ts';
import { known } from '../processes/reading.ts';
import { type InitRuntime, initRequest } from './init-runtime.ts';

const KILLED: CommandExit = { code: null, signal: { name: 'SIGKILL', number: 9 } };
/** Errors of a start that another interpreter would meet as well. */
const SHORTAGES: readonly (string | undefined)[] = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'];
const LOOK_MS = 10;

/**
 * `lost`: the init ended before it reported the end of the first process, which is being killed.
 * `over`: the first process has ended, or was never started; that has been said.
 */
type State = 'starting' | 'started' | 'lost' | 'over';

export class InitGateProcess implements GateProcess {
  readonly init: Identity | null;
  readonly #events: GateProcessEvents;
  readonly #clock: Clock;
  readonly #child: Child;
  readonly #socket: ChildSocket;
  readonly #channel: ChildSocket;
  #state: State = 'starting';
  #identity: Identity | null = null;
  #isEmpty = false;
  #isKilled = false;
  #initExit: CommandExit | null = null;
  #isChannelClosed = false;

  constructor(
    runtime: InitRuntime,
    options: GateProcessOptions,
    clock: Clock,
    events: GateProcessEvents,
  ) {
    this.#events = events;
    this.#clock = clock;
    const { onText, onClosed } = events;
    this.#child = startChild(
      { words: runtime.words, cwd: options.cwd, env: runtime.env, standardStreams: 'inherit' },
      {
        sockets: [
          { onText, onClosed },
          {
            onText: lineCutter((line) => this.#heard(line)),
            onClosed: () => {
              this.#isChannelClosed = true;
              this.#endedPerhaps();
            },
          },
        ],
        onExit: (exit) => {
          this.#initExit = exit;
          this.#endedPerhaps();
        },
        onError: (error) => this.#notMade(error),
      },
    );
    this.#socket = this.#child.sockets[0] ?? NO_SOCKET;
    this.#channel = this.#child.sockets[1] ?? NO_SOCKET;
    const { pid } = this.#child;
    this.init = pid === null ? null : { pid, start: startOf(pid) };
    this.#channel.send(initRequest(options.words, options.env));
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  get descendants(): Descendants {
    if (this.#isEmpty) return 'none';
    return this.#initExit === null ? 'some' : 'unknown';
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  closeSocket(): void {
    this.#socket.close();
  }

  kill(): void {
    this.#isKilled = true;
    this.#channel.send('kill\n');
    // It may have been stopped; its number is its own until we have seen its end.
    if (this.init !== null && this.#initExit === null) trySignal(this.init.pid, 'SIGCONT');
    this.#killFirst();
  }

  release(): void {
    this.#socket.close();
    this.#channel.close();
    this.#child.unref();
  }

  #heard(line: string): void {
    const [word, ...rest] = line.split(' ');
    const [one = 0, other = 0] = rest.map(Number);
    if (word === 'started' && this.#state === 'starting') {
      if (other === 0 || this.init?.start === 0) return this.#failed(new Error(NO_START_TIME));
      this.#state = 'started';
      this.#identity = { pid: one, start: other };
      this.#events.onIdentified();
    } else if (word === 'exited' && this.#state === 'started') {
      this.#exited(exitOf(one, other));
    } else if (word === 'empty') {
      this.#isEmpty = true;
      this.#events.onEmpty();
    } else if (word === 'failed') {
      this.#failed(errorOf(one));
    } else if (word === 'unfit' && this.#state === 'starting') {
      this.#state = 'over';
      this.#events.onUnfit(rest.join(' '));
    }
  }

  #exited(exit: CommandExit): void {
    this.#state = 'over';
    this.#events.onExit(exit);
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#identity = null;
    this.release();
    this.#events.onError(error);
  }

  /** Another interpreter is tried, or none: if it was not the interpreter's fault, that shows then. */
  #notMade(error: NodeJS.ErrnoException): void {
    if (SHORTAGES.includes(error.code)) return this.#failed(error);
    this.#state = 'over';
    this.#events.onUnfit(error.message);
  }

  /** Only when everything that it had said has been heard. */
  #endedPerhaps(): void {
    const exit = this.#initExit;
    if (exit === null || !this.#isChannelClosed) return;
    if (this.#state === 'starting') this.#endedEarly(exit);
    if (this.#state !== 'started') return;
    this.#state = 'lost';
    this.#events.onInitLost();
    this.#watchFirst();
  }

  #endedEarly({ signal, code }: CommandExit): void {
    if (this.#isKilled) return this.#exited(KILLED);
    if (signal !== null) return this.#failed(new Error(`the init was ended by ${signal.name}`));
    this.#state = 'over';
    this.#events.onUnfit(`ended with ${code}`);
  }

  /** Without the init, /proc alone says when the first process has ended. */
  #watchFirst(): void {
    this.#killFirst();
    const first = this.#identity === null ? known(null) : findLiving(this.#identity);
    if (first.known && first.value === null) this.#exited(KILLED);
    else this.#clock.setTimeout(() => this.#watchFirst(), LOOK_MS);
  }

  #killFirst(): void {
    const identity = this.#identity;
    if (identity === null || this.#state === 'over') return;
    const first = findLiving(identity);
    if (!first.known || first.value === null) return;
    trySignal(-identity.pid, 'SIGKILL');
    trySignal(identity.pid, 'SIGKILL');
  }
}

/** The wait status, also of a real-time signal, which has no name here. */
function exitOf(code: number, signal: number): CommandExit {
  if (signal === 0) return { code, signal: null };
  const [name = 'unknown'] =
    Object.entries(constants.signals).find(([, number]) => number === signal) ?? [];
  return { code: null, signal: { name, number: signal } };
}

function errorOf(errno: number): NodeJS.ErrnoException {
  const [code = `errno ${errno}`] =
    Object.entries(constants.errno).find(([, number]) => number === errno) ?? [];
  return Object.assign(new Error(code), { code, errno });
}

function trySignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // It has ended, or is another user's: the init kills it as well.
  }
}
