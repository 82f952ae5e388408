/**
 * A process of lockex's own, in a session of its own, with one socket to it: the process finds it as
 * its descriptor 3. A peer that is gone is an end, never an exception. Knows nothing of what is said.
 *
 * The standalone executable has another one of these (src/standalone/child.ts).
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

/** None of them is told from within `startChild`. */
export interface ChildEvents {
  readonly onText: (text: string) => void;
  /** Nothing more can come from it. Told once, also where we closed the socket. */
  readonly onClosed: () => void;
  /** It ended, and its number may be given away. */
  readonly onExit: (exit: CommandExit) => void;
  /** It could not be made: then nothing else is told. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

export interface Child {
  /** null: it could not be made. */
  readonly pid: number | null;
  /** All of it in one piece, so that the other side never sees half a line. */
  send(text: string): void;
  /** Closes our end of the socket. */
  close(): void;
  /** SIGKILL, if it has not ended. */
  kill(): void;
  /** It does not keep lockex alive. */
  unref(): void;
}

const SOCKET = 3;

export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const child = spawned(options, events);
  // Where descriptors are short there are no streams at all.
  const streams = child?.stdio as ChildProcess['stdio'] | undefined;
  const socket = streams?.[SOCKET] as Duplex | undefined;
  const pid = child?.pid ?? null;
  if (child === null || socket === undefined || pid === null) {
    socket?.destroy();
    const nothing = () => {};
    return { pid: null, send: nothing, close: nothing, kill: nothing, unref: nothing };
  }
  child.once('exit', (code, name) => events.onExit(exitOf(code, name)));
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => events.onText(chunk.toString()));
  socket.once('close', events.onClosed);
  return {
    pid,
    send: (text) => {
      if (!socket.destroyed) socket.write(text);
    },
    close: () => socket.destroy(),
    kill: () => child.kill('SIGKILL'),
    unref: () => {
      child.unref();
      (socket as Duplex & { unref?: () => void }).unref?.();
    },
  };
}

/** Why it could not be made is an event with some errors, and thrown with others. */
function spawned(
  { words, cwd, env, standardStreams: its }: ChildOptions,
  { onError }: ChildEvents,
): ChildProcess | null {
  const [program = '', ...others] = words;
  try {
    const child = spawn(program, others, {
      ...(cwd !== undefined && { cwd }),
      env,
      detached: true,
      stdio: [its, its, its, 'pipe'],
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
