/** `lockex status`: asks ZooKeeper how locks stand, prints it, and watches where that was asked for. */

import { accessOf } from '../settings/access.ts';
import type { StatusSettings } from '../settings/settings.ts';
import type { Clock } from '../util/clock.ts';
import type { Output } from '../util/output.ts';
import { escapedJson } from '../util/printable.ts';
import { PacedTries } from '../zookeeper/back-off.ts';
import { isRequestError, UnreachableError } from '../zookeeper/errors.ts';
import { Session } from '../zookeeper/session/session.ts';
import { readingOf, readLock, readLockIds } from './reader.ts';
import { renderLocks } from './render.ts';
import { isHeld, type LockView } from './view.ts';
import { LockWatcher } from './watcher.ts';

const EXIT_HELD = 0;
const EXIT_FREE = 1;
const EXIT_UNREACHABLE = 125;
/** What a program that SIGPIPE ends would give. */
const EXIT_UNREAD = 141;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const CLOSE_MS = 2000;

/** Never rejects but for a bug. Resolves to the exit status. */
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
      if (!(await isThere(session, settings, output))) return EXIT_UNREACHABLE;
      const exit = settings.watch
        ? await watchUntilOver(session, settings, output)
        : await showOnce(session, settings, output);
      if (exit !== 'again') return exit;
      output.complain('the session is over: connecting again');
    } finally {
      await session.close(CLOSE_MS);
    }
  }
}

async function connected(
  settings: StatusSettings,
  { clock, tries }: { readonly clock: Clock; readonly tries: PacedTries },
  { complain }: Output,
): Promise<Session | null> {
  const { timeoutMs, connectTries } = settings;
  for (let left = connectTries; left > 0; left -= 1) {
    await tries.next();
    const session = new Session({ ...accessOf(settings), timeoutMs, clock, log: () => {} });
    try {
      await session.connect(timeoutMs);
      return session;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      for (const { host, problem } of error.failures) complain(`${host}: ${problem}`);
    }
  }
  complain('ZooKeeper could not be reached');
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
    const refusals = read.flatMap((each) => (each.status === 'rejected' ? [refusalIn(each)] : []));
    // Those that may be read are shown, if there are any.
    if (views.length > 0 || refusals.length === 0) {
      output.print(shown(views, settings, output));
      const trouble = await output.flush();
      if (trouble !== null) refusals.push(`cannot write to standard output: ${trouble}`);
    }
    for (const refusal of new Set(refusals)) output.complain(refusal);
    return refusals.length === 0 ? exitOf(views) : EXIT_UNREACHABLE;
  } catch (error) {
    output.complain(refusalIn({ reason: error }));
    return EXIT_UNREACHABLE;
  }
}

/** What the server, or the connection, says; anything else is a bug, and is thrown. */
function refusalIn({ reason }: { readonly reason: unknown }): string {
  if (!isRequestError(reason)) throw reason;
  return reason.message;
}

/** A chroot that is mistyped would look like one without locks. */
async function isThere(
  session: Session,
  { chroot }: StatusSettings,
  { complain }: Output,
): Promise<boolean> {
  if (chroot === '') return true;
  try {
    if ((await session.exists('/')) !== null) return true;
    complain(`the chroot ${chroot}: no such node`);
  } catch (error) {
    complain(refusalIn({ reason: error }));
  }
  return false;
}

/** 'again' when the session was lost. */
async function watchUntilOver(
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
        onViews: (views) => screen.show(shown(views, settings, output), settings.json),
        onRefused: (message) => {
          output.complain(message);
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
    output.onUnread(() => end(EXIT_UNREAD));
  });
}

function shown(
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

/** Redraws in place on a terminal; elsewhere each state is printed below the one before. */
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
        ? [...lines.slice(0, room - 1), `… ${lines.length - room + 1} lines more`]
        : lines;
    reprint(fitting, this.#lines);
    this.#lines = fitting.length;
  }
}
