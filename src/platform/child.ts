/**
 * A process of lockex's own, in a session of its own, with sockets to it: the process finds them as
 * its descriptors 3, 4 and so on. A peer that is gone is an end, never an exception. Knows nothing of
 * what is said.
 *
 * The standalone executable has another one of these (src/platform/bun/child.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import type { CommandExit } from '../../machines/outcome.ts';

export interface ChildOptions {
  /** The program, by its path, and its arguments. */
  readonly words: readonly string[];
  /** undefined: where we are. */
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Its stdin, stdout and stderr: ours, or none. */
  readonly standardStreams: 'inherit' | 'ignore';
}

export interface SocketEvents {
  readonly onText: (text: string) => void;
  /** Nothing more can come from it. Told once, also where we closed the socket. */
  readonly onClosed: () => void;
}

/** None of them is called from within `startChild`. */
export interface ChildEvents {
  /** One for each socket. */
  readonly sockets: readonly SocketEvents[];
  /** It ended, and its number may be given away. */
  readonly onExit: (exit: CommandExit) => void;
  /** It could not be made: then nothing else is told. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

export interface ChildSocket {
  /** All of it in one piece, so that the other side never sees half a line. */
  send(text: string): void;
  /** Closes our end. */
  close(): void;
}

export interface Child {
  /** null: it could not be made. */
  readonly pid: number | null;
  /** As many as were asked for; those of a child that could not be made do nothing. */
  readonly sockets: readonly ChildSocket[];
  /** SIGKILL, if it has not ended. */
  kill(): void;
  /** It does not keep lockex alive. */
  unref(): void;
}

const FIRST_SOCKET = 3;
export const NO_SOCKET: ChildSocket = { send: () => {}, close: () => {} };

export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const child = spawned(options, events);
  // Where descriptors are short there are no streams at all.
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

/** In the place of one that could not be made. */
function noChild({ sockets }: ChildEvents): Child {
  const nothing = () => {};
  return { pid: null, sockets: sockets.map(() => NO_SOCKET), kill: nothing, unref: nothing };
}

/** Why it could not be made is an event with some errors, and thrown with others. */
function spawned(
  { words, cwd, env, standardStreams: its }: ChildOptions,
  { sockets, onError }: ChildEvents,
): ChildProcess | null {
  const [program = '', ...others] = words;
  try {
    const child = spawn(program, others, {
      ...(cwd !== undefined && { cwd }),
      env,
      detached: true,
      stdio: [its, its, its, ...sockets.map(() => 'pipe' as const)],
    });
    // One that comes when there is a process would be of a signal that could not be sent.
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
  // A real-time signal, which has no name in Node, looks like an exit with 0 (docs/safety.md).
  if (name === null) return { code, signal: null };
  return { code: null, signal: { name, number: constants.signals[name] } };
}
