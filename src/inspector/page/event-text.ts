/** One sentence for each event of a run. Pure. */
import type { CommandExit } from '../../../machines/outcome.ts';
import type { FeedEntry } from '../feed.ts';
import { hostsText } from './reason.ts';
import { duration, exitText } from './text.ts';

/** A saved run may come from another version: unknown events are shown by their name. */
export function eventText(entry: FeedEntry): string {
  if (entry.event === null) return 'lockex started';
  const { type, details } = entry.event;
  const say = SENTENCES[type] as ((entry: FeedEntry, details: Details) => string) | undefined;
  try {
    return say?.(entry, details) ?? type;
  } catch {
    // A file whose details have another shape.
    return type;
  }
}

type Details = Readonly<Record<string, unknown>>;
type EventType = NonNullable<FeedEntry['event']>['type'];

const SENTENCES: Readonly<Record<EventType, (entry: FeedEntry, details: Details) => string>> = {
  'session.established': (_, { server, timeoutMs }) =>
    `connected to ${server}; session timeout ${duration(Number(timeoutMs))}`,
  'session.unreachable': (entry) => `no server could be reached: ${hostsText(entry)}`,
  'session.suspended': (_, { reason }) => `suspended: ${reason}`,
  'session.resumed': (_, { server }) => `reconnected to ${server}`,
  'session.lost': (_, { message }) => `lost: ${message}`,
  'session.closed': (_, { clean }) =>
    clean === true ? 'session closed' : 'session left to its timeout',
  'lock.queued': ({ facts: { queue } }) =>
    queue === null ? 'in the queue' : queueText(queue.position, queue.behind?.label ?? ''),
  'lock.granted': () => 'lock granted',
  'lock.confirmed': (_, { fencingToken }) => `lease confirmed; fencing token ${fencingToken}`,
  'lock.refused': (_, { message }) => `lock refused: ${message}`,
  'lock.released': (_, { confirmed, message }) =>
    confirmed === true ? 'lock released' : `release not confirmed: ${message}`,
  'run.recorded': (_, { confirmed }) =>
    confirmed === true ? 'success recorded' : 'success could not be recorded',
  'lease.renewed': () => 'lease renewed',
  'command.unresolved': (_, { message }) => `the command can't be run at present: ${message}`,
  'command.armed': (_, { guarded, scope }) =>
    guarded === true ? `guard armed; tracking processes by ${scope}` : 'no guard (--no-guard)',
  'command.started': (_, { pid }) => `command started, pid ${pid}`,
  'command.failed': (_, { message }) => `the command can't be run: ${message}`,
  'command.exited': (_, { exit, byGuard }) =>
    `the command ${exitText(exit as CommandExit)}${byGuard === true ? ', sent by the guard' : ''}`,
  'command.stopped': (_, { means, stragglers }) => stoppedText(means, stragglers),
  'command.unkillable': (_, { processes, unknown }) =>
    `still running after SIGKILL: ${(processes as string[]).join(', ') || unknown}`,
  'guard.failed': (_, { message }) => `the guard failed: ${message}`,
  'signal.received': (_, { signal }) => `received ${signal}`,
  'wait.timedOut': () => 'the wait for the lock timed out (-t)',
  'run.timedOut': () => 'the command exceeded --max-runtime',
  'hold.over': () => 'the minimum hold time is over (--hold)',
};

function queueText(position: number, behind: string): string {
  const place = position === 1 ? 'next in the queue' : `position ${position} in the queue`;
  return behind === '' ? place : `${place}, behind ${behind}`;
}

function stoppedText(means: unknown, stragglers: unknown): string {
  const by = means === 'SIGTERM' || means === 'SIGKILL' ? ` (${means})` : '';
  const others = Array.isArray(stragglers) ? stragglers.join(', ') : '';
  const stopped = others === '' ? '' : `; stopped processes that outlived it: ${others}`;
  return `all processes of the command have exited${by}${stopped}`;
}
