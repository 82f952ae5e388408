/**
 * Lockex's side of one init process (init-runtime.ts describes the protocol): the gate's process is
 * its child, and every orphan of the command becomes its child. Only its reports are reliable for
 * the first process. Never replaces an init that ended: reports it, and kills the first process.
 */
import { constants } from 'node:os';
import type { CommandExit } from '../../../machines/outcome.ts';
import { type Child, type ChildSocket, NO_SOCKET, startChild } from '../../platform/child.ts';
import type { Clock } from '../../util/clock.ts';
import { lineSplitter } from '../line-protocol.ts';
import type { Identity } from '../options.ts';
import { findLiving, startOf } from '../processes/process-table.ts';
import {
  type Descendants,
  type GateProcess,
  type GateProcessEvents,
  type GateProcessOptions,
  NO_START_TIME,
} from './gate-process.ts';
import { type InitRuntime, initRequest } from './init-runtime.ts';

const KILLED: CommandExit = { code: null, signal: { name: 'SIGKILL', number: 9 } };
/** Errors that would also occur with another interpreter. */
const SHORTAGES: readonly (string | undefined)[] = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'];
const CHECK_MS = 10;

/** The first process: the gate's, then the command's. */
type FirstState =
  /** `isKilled`: it must be killed as soon as it is started. */
  | { readonly name: 'starting'; readonly isKilled: boolean }
  | { readonly name: 'running'; readonly identity: Identity }
  /** The init ended before it reported the end of the first process, which is being killed. */
  | { readonly name: 'orphaned'; readonly identity: Identity }
  /** It ended, or was never started (null); this was reported. */
  | { readonly name: 'over'; readonly identity: Identity | null };

/** The init itself. Its end counts only when everything that it sent has been read. */
type InitState =
  | { readonly name: 'running' }
  | { readonly name: 'channelClosed' }
  | { readonly name: 'exited'; readonly exit: CommandExit }
  | { readonly name: 'ended'; readonly exit: CommandExit };

export class InitGateProcess implements GateProcess {
  readonly init: Identity | null;
  readonly #events: GateProcessEvents;
  readonly #clock: Clock;
  readonly #child: Child;
  readonly #socket: ChildSocket;
  readonly #channel: ChildSocket;
  #first: FirstState = { name: 'starting', isKilled: false };
  #initState: InitState = { name: 'running' };
  /** 'empty': it reported that it has no descendants, which is final. */
  #reported: 'descendants' | 'empty' = 'descendants';

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
      { argv: runtime.argv, cwd: options.cwd, env: runtime.env, standardStreams: 'inherit' },
      {
        sockets: [
          { onText, onClosed },
          {
            onText: lineSplitter((line) => this.#onLine(line)),
            onClosed: () => this.#channelClosed(),
          },
        ],
        onExit: (exit) => this.#initExited(exit),
        onError: (error) => this.#notStarted(error),
      },
    );
    this.#socket = this.#child.sockets[0] ?? NO_SOCKET;
    this.#channel = this.#child.sockets[1] ?? NO_SOCKET;
    const { pid } = this.#child;
    this.init = pid === null ? null : { pid, start: startOf(pid) };
    this.#channel.send(initRequest(options.argv, options.env));
  }

  get identity(): Identity | null {
    return this.#first.name === 'starting' ? null : this.#first.identity;
  }

  get descendants(): Descendants {
    if (this.#reported === 'empty') return 'none';
    return this.#hasInitExited ? 'unknown' : 'some';
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  closeSocket(): void {
    this.#socket.close();
  }

  kill(): void {
    if (this.#first.name === 'starting') this.#first = { name: 'starting', isKilled: true };
    this.#channel.send('kill\n');
    // It may have been stopped. Its pid is not reused before its exit is reported.

    if (this.init !== null && !this.#hasInitExited) trySignal(this.init.pid, 'SIGCONT');
    this.#killFirst();
  }

  release(): void {
    this.#socket.close();
    this.#channel.close();
    this.#child.unref();
  }

  get #hasInitExited(): boolean {
    return this.#initState.name === 'exited' || this.#initState.name === 'ended';
  }

  #onLine(line: string): void {
    const first = this.#first;
    const [kind, ...rest] = line.split(' ');
    const [one = 0, other = 0] = rest.map(Number);
    if (kind === 'started' && first.name === 'starting') {
      if (other === 0 || this.init?.start === 0) return this.#failed(new Error(NO_START_TIME));
      this.#first = { name: 'running', identity: { pid: one, start: other } };
      this.#events.onIdentified();
    } else if (kind === 'exited' && first.name === 'running') {
      this.#exited(exitOf(one, other));
    } else if (kind === 'empty') {
      this.#reported = 'empty';
      this.#events.onEmpty();
    } else if (kind === 'failed') {
      this.#failed(errorOf(one));
    } else if (kind === 'unfit' && first.name === 'starting') {
      this.#unfit(rest.join(' '));
    }
  }

  #exited(exit: CommandExit): void {
    this.#first = { name: 'over', identity: this.identity };
    this.#events.onExit(exit);
  }

  #unfit(reason: string): void {
    this.#first = { name: 'over', identity: null };
    this.#events.onUnfit(reason);
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#first.name === 'over') return;
    this.#first = { name: 'over', identity: null };
    this.release();
    this.#events.onError(error);
  }

  /**
   * The next gate uses another interpreter, or none: if that fails too, the cause is another one.
   */
  #notStarted(error: NodeJS.ErrnoException): void {
    if (SHORTAGES.includes(error.code)) this.#failed(error);
    else this.#unfit(error.message);
  }

  #channelClosed(): void {
    const state = this.#initState;
    switch (state.name) {
      case 'running':
        this.#initState = { name: 'channelClosed' };
        return;
      case 'exited':
        return this.#initEnded(state.exit);
      case 'channelClosed':
      case 'ended':
        return;
    }
  }

  #initExited(exit: CommandExit): void {
    switch (this.#initState.name) {
      case 'running':
        this.#initState = { name: 'exited', exit };
        return;
      case 'channelClosed':
        return this.#initEnded(exit);
      case 'exited':
      case 'ended':
        return;
    }
  }

  #initEnded(exit: CommandExit): void {
    this.#initState = { name: 'ended', exit };
    const first = this.#first;
    switch (first.name) {
      case 'starting':
        return this.#endedEarly(exit, first.isKilled);
      case 'running':
        this.#first = { name: 'orphaned', identity: first.identity };
        this.#events.onInitLost();
        return this.#watchFirst(first.identity);
      case 'orphaned':
      case 'over':
        return;
    }
  }

  #endedEarly({ signal, code }: CommandExit, isKilled: boolean): void {
    if (isKilled) return this.#exited(KILLED);
    if (signal !== null) return this.#failed(new Error(`the init was ended by ${signal.name}`));
    this.#unfit(`ended with ${code}`);
  }

  /** Without the init, only /proc shows when the first process has ended. */
  #watchFirst(identity: Identity): void {
    this.#killFirst();
    const first = findLiving(identity);
    if (first.known && first.value === null) this.#exited(KILLED);
    else this.#clock.setTimeout(() => this.#watchFirst(identity), CHECK_MS);
  }

  #killFirst(): void {
    const state = this.#first;
    if (state.name !== 'running' && state.name !== 'orphaned') return;
    const first = findLiving(state.identity);
    if (!first.known || first.value === null) return;
    trySignal(-state.identity.pid, 'SIGKILL');
    trySignal(state.identity.pid, 'SIGKILL');
  }
}

/** `signal`: a number; 0: none. Real-time signals have no name in Node. */
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
    // It has ended, or belongs to another user: the init kills it as well.
  }
}
