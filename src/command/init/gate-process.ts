/**
 * The process of a gate, and the two ways to start it: by an init (init.ts), or as a child of
 * lockex itself, on a host without an interpreter for an init. Independent of the gate's protocol.
 */
import type { CommandExit } from '../../../machines/outcome.ts';
import { type Child, type ChildSocket, NO_SOCKET, startChild } from '../../platform/child.ts';
import type { Identity } from '../options.ts';
import { hasProcessTable, startOf } from '../processes/process-table.ts';

export interface GateProcessOptions {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/** None of them is called from within the constructor. */
export interface GateProcessEvents {
  /** Its identity is known now; not called if it was known at once. */
  readonly onIdentified: () => void;
  /** Text arrived from its descriptor 3. */
  readonly onText: (text: string) => void;
  /** It has closed its descriptor 3. */
  readonly onClosed: () => void;
  /** It was reaped: its pid may be reused. */
  readonly onExit: (exit: CommandExit) => void;
  /** It could not be started: no other event follows. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
  /** The init does not work on this host: nothing was started, and no other event follows. */
  readonly onUnfit: (reason: string) => void;
  /** The init ended unexpectedly. The first process is being killed; onExit follows. */
  readonly onInitLost: () => void;
  /** All its descendants have ended. Never called without an init. */
  readonly onEmpty: () => void;
}

/**
 * Without its start time, a process cannot be distinguished from a later one with the same pid, and
 * cannot be found or killed reliably. So it is not used.
 */
export const NO_START_TIME = 'the start time of a new process cannot be read';

/** State of the descendants of the init. */
export type Descendants = 'none' | 'some' | 'unknown';

export interface GateProcess {
  /** null: there is no init, or its start failed. */
  readonly init: Identity | null;
  /** null: not started yet, or its start failed. */
  readonly identity: Identity | null;
  readonly descendants: Descendants;
  /** Sends text to its descriptor 3. */
  send(text: string): void;
  closeSocket(): void;
  /** Sends SIGKILL, as soon as it is started. An init also kills all its descendants. */
  kill(): void;
  /** It is not needed any more: an init kills the remaining processes. lockex may exit. */
  release(): void;
}

/** A child of lockex; orphans of the command are adopted by PID 1. */
export class DirectGateProcess implements GateProcess {
  readonly init = null;
  readonly descendants = 'unknown';
  readonly identity: Identity | null;
  readonly #child: Child;
  readonly #socket: ChildSocket;

  constructor(options: GateProcessOptions, events: GateProcessEvents) {
    const { onText, onClosed, onExit, onError } = events;
    const ifUsed =
      <T extends unknown[]>(listener: (...args: T) => void) =>
      (...args: T) => {
        if (this.identity !== null) listener(...args);
      };
    this.#child = startChild(
      { ...options, standardStreams: 'inherit' },
      {
        sockets: [{ onText: ifUsed(onText), onClosed: ifUsed(onClosed) }],
        onExit: ifUsed(onExit),
        onError,
      },
    );
    this.#socket = this.#child.sockets[0] ?? NO_SOCKET;
    const { pid } = this.#child;
    const start = pid === null ? 0 : startOf(pid);
    const isIdentified = start !== 0 || !hasProcessTable;
    this.identity = pid === null || !isIdentified ? null : { pid, start };
    if (pid === null || isIdentified) return;
    this.#child.kill();
    setImmediate(() => onError(new Error(NO_START_TIME)));
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  closeSocket(): void {
    this.#socket.close();
  }

  kill(): void {
    this.#child.kill();
  }

  release(): void {
    this.#socket.close();
  }
}
