/**
 * The same as src/command/child.ts, by Bun's own means: node:child_process and the streams that it
 * stands on would cost a start six milliseconds. (Bun's node:child_process itself is made of these.)
 */
import { constants } from 'node:os';
import type { CommandExit } from '../../machines/outcome.ts';
import type { Child, ChildEvents, ChildOptions } from '../command/child.ts';
import { Outbox, rethrow } from './outbox.ts';

const SOCKET = 3;

export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const child = spawned(options, events);
  const descriptor = child?.stdio[SOCKET] ?? null;
  if (child === null || descriptor === null) {
    const nothing = () => {};
    return { pid: null, send: nothing, close: nothing, kill: nothing, unref: nothing };
  }
  const outbox = new Outbox();
  let socket: Bun.Socket | null = null;
  let isClosed = false;
  const closed = () => {
    if (isClosed) return;
    isClosed = true;
    outbox.close();
    setImmediate(events.onClosed);
  };
  Bun.connect({
    fd: descriptor,
    socket: {
      open: (opened) => {
        socket = opened;
        outbox.open(opened);
      },
      data: (_, bytes) => events.onText(bytes.toString()),
      drain: () => void outbox.flush(),
      close: closed,
      error: (_, error) => rethrow(error),
      connectError: closed,
    },
  }).catch(closed);
  return {
    pid: child.pid,
    send: (text) => {
      if (!isClosed) outbox.write(Buffer.from(text));
    },
    close: () => socket?.close(),
    kill: () => child.kill('SIGKILL'),
    unref: () => {
      child.unref();
      socket?.unref();
    },
  };
}

function spawned(
  { words, cwd, env, standardStreams: its }: ChildOptions,
  { onExit, onError }: ChildEvents,
): Bun.Subprocess | null {
  try {
    return Bun.spawn(words, {
      ...(cwd !== undefined && { cwd }),
      env,
      detached: true,
      stdio: [its, its, its, 'pipe'],
      onExit: (_, code, signal) => onExit(exitOf(code, signal)),
    });
  } catch (error) {
    setImmediate(() => onError(error as NodeJS.ErrnoException));
    return null;
  }
}

function exitOf(code: number | null, signal: string | number | null): CommandExit {
  if (code !== null) return { code, signal: null };
  // Real-time signals come as numbers.
  const isNumber = typeof signal === 'number';
  const number = isNumber ? signal : (constants.signals[signal as NodeJS.Signals] ?? 0);
  return { code, signal: { name: isNumber ? 'unknown' : (signal ?? 'unknown'), number } };
}
