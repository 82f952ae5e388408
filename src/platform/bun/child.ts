/**
 * Replaces src/platform/child.ts in the standalone executable, with Bun's own API: loading
 * node:child_process and its streams would take six milliseconds of a start. (Bun's
 * node:child_process uses the same API.)
 */
import { constants } from 'node:os';
import type { CommandExit } from '../../../machines/outcome.ts';
import type { Child, ChildEvents, ChildOptions, ChildSocket, SocketEvents } from '../child.ts';
import { rethrow, WriteQueue } from './write-queue.ts';

const FIRST_SOCKET = 3;
export const NO_SOCKET: ChildSocket = { send: () => {}, close: () => {} };

interface OpenSocket extends ChildSocket {
  unref(): void;
}

export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const child = spawned(options, events);
  const descriptors = events.sockets.map((_, at) => child?.stdio[FIRST_SOCKET + at] ?? null);
  if (child === null || descriptors.includes(null)) {
    const nothing = () => {};
    const sockets = events.sockets.map(() => NO_SOCKET);
    return { pid: null, sockets, kill: nothing, unref: nothing };
  }
  const sockets = events.sockets.map((its, at) => openSocket(descriptors[at] ?? -1, its));
  return {
    pid: child.pid,
    sockets,
    kill: () => child.kill('SIGKILL'),
    unref: () => {
      child.unref();
      for (const socket of sockets) socket.unref();
    },
  };
}

function openSocket(descriptor: number, events: SocketEvents): OpenSocket {
  const writeQueue = new WriteQueue();
  let socket: Bun.Socket | null = null;
  let isClosed = false;
  const closed = () => {
    if (isClosed) return;
    isClosed = true;
    writeQueue.close();
    setImmediate(events.onClosed);
  };
  Bun.connect({
    fd: descriptor,
    socket: {
      open: (opened) => {
        socket = opened;
        writeQueue.open(opened);
      },
      data: (_, bytes) => events.onText(bytes.toString()),
      drain: () => void writeQueue.flush(),
      close: closed,
      error: (_, error) => rethrow(error),
      connectError: closed,
    },
  }).catch(closed);
  return {
    send: (text) => {
      if (!isClosed) writeQueue.write(Buffer.from(text));
    },
    close: () => socket?.close(),
    unref: () => socket?.unref(),
  };
}

function spawned(
  { argv, cwd, env, standardStreams: its }: ChildOptions,
  { sockets, onExit, onError }: ChildEvents,
): Bun.Subprocess | null {
  try {
    return Bun.spawn(argv, {
      ...(cwd !== undefined && { cwd }),
      env,
      detached: true,
      stdio: [its, its, its, ...sockets.map(() => 'pipe' as const)],
      onExit: (_, code, signal) => onExit(exitOf(code, signal)),
    });
  } catch (error) {
    setImmediate(() => onError(error as NodeJS.ErrnoException));
    return null;
  }
}

function exitOf(code: number | null, signal: string | number | null): CommandExit {
  if (code !== null) return { code, signal: null };
  // Bun gives real-time signals as numbers.
  const isNumber = typeof signal === 'number';
  const number = isNumber ? signal : (constants.signals[signal as NodeJS.Signals] ?? 0);
  return { code, signal: { name: isNumber ? 'unknown' : (signal ?? 'unknown'), number } };
}
