/**
 * Starts a process in a session of its own, with sockets to it: its descriptors 3, 4 and so on. The
 * end of the process is an event, never an exception. Independent of the protocols on the sockets.
 *
 * In the standalone executable, src/platform/bun/child.ts replaces this file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import type { CommandExit } from '../../machines/outcome.ts';

export interface ChildOptions {
  /** The program, by its path, and its arguments. */
  readonly argv: readonly string[];
  /** undefined: the working directory of lockex. */
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Its stdin, stdout and stderr: those of lockex, or /dev/null. */
  readonly standardStreams: 'inherit' | 'ignore';
}

export interface SocketEvents {
  readonly onText: (text: string) => void;
  /** The end of the data. Called once, also after `close`. */
  readonly onClosed: () => void;
}

/** None of them is called from within `startChild`. */
export interface ChildEvents {
  /** One for each socket. */
  readonly sockets: readonly SocketEvents[];
  /** It was reaped: its pid may be reused. */
  readonly onExit: (exit: CommandExit) => void;
  /** It could not be started: no other event follows. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

export interface ChildSocket {
  /** Writes the text at once, so that the receiver never reads half a line. */
  send(text: string): void;
  /** Closes this end. */
  close(): void;
}

export interface Child {
  /** null: it could not be started. */
  readonly pid: number | null;
  /** One for each in `ChildEvents`; those of a child that could not be started do nothing. */
  readonly sockets: readonly ChildSocket[];
  /** Sends SIGKILL if it has not ended. */
  kill(): void;
  /** It does not keep lockex's event loop alive. */
  unref(): void;
}

const FIRST_SOCKET = 3;
export const NO_SOCKET: ChildSocket = { send: () => {}, close: () => {} };

export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const child = spawned(options, events);
  // Without enough descriptors, Node returns no streams at all.
  const streams = child?.stdio as ChildProcess['stdio'] | undefined;
  const sockets = events.sockets.map((_, at) => streams?.[FIRST_SOCKET + at] as Duplex | undefined);
  const pid = child?.pid ?? null;
  if (child === null || pid === null || sockets.includes(undefined)) {
    for (const socket of sockets) socket?.destroy();
    return noChild(events);
  }
  child.once('exit', (code, name) => events.onExit(exitOf(code, name)));
  for (const [at, { onText, onClosed }] of events.sockets.entries()) {
    sockets[at]?.on('error', () => {});
    sockets[at]?.on('data', (chunk: Buffer) => onText(chunk.toString()));
    sockets[at]?.once('close', onClosed);
  }
  return {
    pid,
    sockets: sockets.map((socket) => ({
      send: (text) => {
        if (socket?.destroyed === false) socket.write(text);
      },
      close: () => socket?.destroy(),
    })),
    kill: () => child.kill('SIGKILL'),
    unref: () => {
      child.unref();
      for (const socket of sockets) (socket as Duplex & { unref?: () => void }).unref?.();
    },
  };
}

/** The result for a child that could not be started. */
function noChild({ sockets }: ChildEvents): Child {
  const nothing = () => {};
  return { pid: null, sockets: sockets.map(() => NO_SOCKET), kill: nothing, unref: nothing };
}

/** Node emits some errors and throws others. */
function spawned(
  { argv, cwd, env, standardStreams: its }: ChildOptions,
  { sockets, onError }: ChildEvents,
): ChildProcess | null {
  const [program = '', ...others] = argv;
  try {
    const child = spawn(program, others, {
      ...(cwd !== undefined && { cwd }),
      env,
      detached: true,
      stdio: [its, its, its, ...sockets.map(() => 'pipe' as const)],
    });
    // If there is a process, the error is that of a signal that could not be sent.
    child.on('error', (error) => {
      if (child.pid === undefined) onError(error);
    });
    return child;
  } catch (error) {
    setImmediate(() => onError(error as NodeJS.ErrnoException));
    return null;
  }
}

function exitOf(code: number | null, name: NodeJS.Signals | null): CommandExit {
  // A real-time signal has no name in Node and looks like an exit with 0 (docs/safety.md).
  if (name === null) return { code, signal: null };
  return { code: null, signal: { name, number: constants.signals[name] } };
}
