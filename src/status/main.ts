/**
 * `lockex status`: prints the holders and waiters of locks, once or on every change (`--watch`).
 */

import { accessOf } from '../settings/access.ts';
import type { StatusSettings } from '../settings/settings.ts';
import type { Clock } from '../util/clock.ts';
import type { Output } from '../util/output.ts';
import { escapedJson } from '../util/printable.ts';
import { PacedTries } from '../zookeeper/back-off.ts';
import { statUnlessDenied } from '../zookeeper/client.ts';
import { isRequestError, UnreachableError } from '../zookeeper/errors.ts';
import { Session } from '../zookeeper/session/session.ts';
import { readingOf, readLock, readLockIds } from './reader.ts';
import { renderLocks } from './render.ts';
import { isHeld, type LockView } from './view.ts';
import { LockWatcher } from './watcher.ts';

const EXIT_HELD = 0;
const EXIT_FREE = 1;
const EXIT_UNREACHABLE = 125;
/** As if SIGPIPE had ended it (128 + 13). */
const EXIT_BROKEN_PIPE = 141;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const CLOSE_MS = 2000;

/** Resolves to the exit status; rejects only on a bug. */
export async function status(
  settings: StatusSettings,
  clock: Clock,
  output: Output,
): Promise<number> {
  const { timeoutMs } = settings;
  const tries = new PacedTries({ clock, sessionTimeoutMs: () => timeoutMs });
  for (;;) {
    const session = await connected(settings, { clock, tries }, output);
    if (session === null) return EXIT_UNREACHABLE;
    try {
      if (!(await chrootExists(session, settings, output))) return EXIT_UNREACHABLE;
      const exit = settings.watch
        ? await watchLocks(session, settings, output)
        : await showOnce(session, settings, output);
      if (exit !== 'again') return exit;
      output.printError('session expired: reconnecting');
    } finally {
      await session.close(CLOSE_MS);
    }
  }
}

async function connected(
  settings: StatusSettings,
  { clock, tries }: { readonly clock: Clock; readonly tries: PacedTries },
  { printError }: Output,
): Promise<Session | null> {
  const { timeoutMs, connectTries } = settings;
  for (let triesLeft = connectTries; triesLeft > 0; triesLeft -= 1) {
    await tries.next();
    const session = new Session({ ...accessOf(settings), timeoutMs, clock, log: () => {} });
    try {
      await session.connect(timeoutMs);
      return session;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      for (const { host, problem } of error.failures) printError(`${host}: ${problem}`);
    }
  }
  printError('could not reach ZooKeeper');
  return null;
}

async function showOnce(
  session: Session,
  settings: StatusSettings,
  output: Output,
): Promise<number> {
  try {
    const reading = readingOf(session);
    const path = `/${settings.lockPath}`;
    const ids = settings.lockIds ?? (await readLockIds(reading, path));
    const read = await Promise.allSettled(ids.map((id) => readLock(reading, path, id)));
    const views = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failures = read.flatMap((each) =>
      each.status === 'rejected' ? [failureMessage(each)] : [],
    );
    // Shows the readable locks, and reports the others.
    if (views.length > 0 || failures.length === 0) {
      output.print(linesOf(views, settings, output));
      const problem = await output.flush();
      if (problem !== null) failures.push(`cannot write to standard output: ${problem}`);
    }
    for (const failure of new Set(failures)) output.printError(failure);
    return failures.length === 0 ? exitOf(views) : EXIT_UNREACHABLE;
  } catch (error) {
    output.printError(failureMessage({ reason: error }));
    return EXIT_UNREACHABLE;
  }
}

/** The message of a failed request; any other error is a bug, and is thrown. */
function failureMessage({ reason }: { readonly reason: unknown }): string {
  if (!isRequestError(reason)) throw reason;
  return reason.message;
}

/** Without this check, a mistyped chroot would look like one without locks. */
async function chrootExists(
  session: Session,
  { chroot }: StatusSettings,
  { printError }: Output,
): Promise<boolean> {
  if (chroot === '') return true;
  try {
    if ((await statUnlessDenied(session, '/')) !== null) return true;
    printError(`the chroot ${chroot} does not exist`);
  } catch (error) {
    printError(failureMessage({ reason: error }));
  }
  return false;
}

/** Resolves to the exit status, or to 'again' when the session has expired. */
async function watchLocks(
  session: Session,
  settings: StatusSettings,
  output: Output,
): Promise<number | 'again'> {
  const screen = new Screen(output);
  return await new Promise<number | 'again'>((resolve) => {
    const watcher = new LockWatcher(
      session,
      { lockPath: `/${settings.lockPath}`, ids: settings.lockIds },
      {
        onViews: (views) => screen.show(linesOf(views, settings, output), settings.json),
        onRefused: (message) => {
          output.printError(message);
          end(EXIT_UNREACHABLE);
        },
      },
    );
    const handlers = Object.entries(SIGNALS).map(
      ([signal, exit]) => [signal, () => end(exit)] as const,
    );
    const end = (exit: number | 'again') => {
      watcher.stop();
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(exit);
    };
    for (const [signal, handler] of handlers) process.on(signal, handler);
    session.once('expired', () => end('again'));
    output.onUnread(() => end(EXIT_BROKEN_PIPE));
  });
}

function linesOf(
  views: readonly LockView[],
  { json, watch, lockPath, chroot }: StatusSettings,
  { columns }: Output,
): readonly string[] {
  if (!json) return renderLocks(views, { columns, place: `${chroot}/${lockPath}` });
  const text = watch ? JSON.stringify(views) : JSON.stringify(views, null, 2);
  return text.split('\n').map(escapedJson);
}

function exitOf(views: readonly LockView[]): number {
  return views.some(isHeld) ? EXIT_HELD : EXIT_FREE;
}

/** Redraws in place on a terminal; elsewhere prints each state below the previous one. */
class Screen {
  readonly #output: Output;
  #lines = 0;
  #last: string | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  show(lines: readonly string[], isJson: boolean): void {
    const text = lines.join('\n');
    if (text === this.#last) return;
    const isFirst = this.#last === null;
    this.#last = text;
    const { isTerminal, rows, print, reprint } = this.#output;
    if (isJson) return print(lines);
    if (!isTerminal) return print(isFirst ? lines : ['', ...lines]);
    const room = Math.max(2, rows - 1);
    const fitting =
      lines.length > room
        ? [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`]
        : lines;
    reprint(fitting, this.#lines);
    this.#lines = fitting.length;
  }
}
