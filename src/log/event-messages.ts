/** Messages about events, and about the queue. Pure. */
import type { LockexContext, LockexEvent, QueueInfo, StopReport } from '../../machines/contract.ts';
import { duration } from '../util/duration.ts';
import { debug, error, info, type Line, warn } from './line.ts';
import { UNKNOWN_PROCESSES } from './outcome-messages.ts';

/** Lines for an event, in addition to the line for the new state, if any; most events have none. */
export function messagesForEvent(event: LockexEvent, context: LockexContext): Line[] {
  switch (event.type) {
    case 'session.unreachable':
      return event.hosts.map(({ host, problem }) => warn(`${host}: ${problem}`, { host, problem }));
    case 'lock.queued':
      return [info(`waiting: ${messageForQueue(event.queue)}`, { queue: event.queue })];
    case 'command.unresolved':
      return [warn(event.message)];
    case 'command.armed':
      return [messageForGuard(event.guarded, event.scope)];
    case 'command.started':
      return context.pid === null ? [] : [messageForStart(event.pid, context.grant)];
    case 'command.stopped':
      return [...messagesForStop(event.how), ...messagesForHold(context)];
    case 'command.unkillable':
      return messagesForUnkillable(event.processes, event.unknown, context);
    case 'guard.failed':
      return [error(event.message)];
    case 'run.recorded':
      return event.confirmed
        ? [debug('cleanup: recorded the successful run')]
        : [warn(messageForMissingRecord(event.message))];
    case 'lock.released':
      return event.confirmed
        ? [debug(`cleanup: ${event.message}`)]
        : [warn(`cleanup: ${event.message}`)];
    case 'session.closed':
      return event.clean ? [] : [debug('the session ends by its timeout')];
    case 'lease.renewed':
      return [debug('lease renewed', { lease: event.lease })];
    case 'signal.received':
      return messagesForSignal(event.signal, context);
    default:
      return [];
  }
}

/** `--once-per`: the command succeeded, but the next run cannot detect it. */
export function messageForMissingRecord(reason: string): string {
  return `cleanup: could not record the successful run; it may run again too early (${reason})`;
}

function messagesForUnkillable(
  processes: readonly string[],
  unknown: string | undefined,
  { loss }: LockexContext,
): Line[] {
  const lines: Line[] = [];
  if (unknown !== undefined) {
    const action = loss === null ? '; keeping the lock and trying again' : '; trying again';
    lines.push(warn(`${UNKNOWN_PROCESSES}: ${unknown}${action}`, { problem: unknown }));
  }
  if (processes.length > 0 || unknown === undefined) {
    const action = loss === null ? '; keeping the lock until they exit' : '';
    const message = `still running after SIGKILL: ${processes.join(', ')}${action}`;
    lines.push(warn(message, { processes }));
  }
  return lines;
}

function messagesForSignal(signal: string, { pid }: LockexContext): Line[] {
  if (signal === 'SIGTSTP') {
    return [warn('ignoring SIGTSTP: a stopped lockex would lose the lock')];
  }
  return [debug(`received ${signal}${pid === null ? '' : ' while the command runs'}`)];
}

function messagesForHold({ isHolding, outcome, holdMs }: LockexContext): Line[] {
  const hasEnded = outcome?.kind === 'exited' || outcome?.kind === 'leftovers';
  if (!isHolding || !hasEnded) return [];
  const held = duration(holdMs ?? 0);
  return [info(`cleanup: keeping the lock until ${held} after the command's start (--hold)`)];
}

function messagesForStop({ means, stragglers }: StopReport): Line[] {
  const lines: Line[] = [];
  if (stragglers.length > 0) {
    const message = `stopped processes that outlived the command: ${stragglers.join(', ')}`;
    lines.push(warn(message, { stragglers }));
  }
  if (means === 'SIGTERM' || means === 'SIGKILL') {
    lines.push(info(`all processes of the command have exited (${means})`, { means }));
  }
  return lines;
}

function messageForStart(commandPid: number, grant: LockexContext['grant']): Line {
  const fencingToken = grant?.fencingToken;
  const message = `running: command started (pid ${commandPid}, fencing token ${fencingToken})`;
  return info(message, { commandPid, fencingToken, path: grant?.path });
}

const MAX_NAMED_HOLDERS = 3;

/** `db1 pid 4711 (redis-server) holds the lock; 2nd in the queue` */
export function messageForQueue({ position, holders, behind }: QueueInfo): string {
  const names = holders.map(({ label }) => label || 'an unnamed contender');
  const more = names.length > MAX_NAMED_HOLDERS ? ' and others' : '';
  const shown = names.slice(0, MAX_NAMED_HOLDERS).join(', ') + more;
  const held = names.length > 1 ? `${shown} hold the permits` : `${shown} holds the lock`;
  const holder = names.length === 0 ? 'others are ahead' : held;
  const isNamed = behind !== null && behind.node !== holders[0]?.node && behind.label !== '';
  const place = position === 1 ? 'next in the queue' : `${ordinal(position)} in the queue`;
  return `${holder}; ${place}${isNamed ? `, behind ${behind.label}` : ''}`;
}

function ordinal(place: number): string {
  const last = place % 10;
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][last] ?? 'th');
  return `${place}${ending}`;
}

/** A missing guard is logged at level info, because users expect a guard. */
function messageForGuard(guarded: boolean, scope: string): Line {
  return guarded
    ? debug(`guard armed; tracking the command's processes by ${scope}`)
    : info('running without a guard (--no-guard): if lockex dies, the command keeps running');
}
