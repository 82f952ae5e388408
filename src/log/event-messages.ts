/** What the log says of events, and of a queue. Pure: facts in, words out. */
import type { LockexContext, LockexEvent, QueueInfo, StopReport } from '../../machines/contract.ts';
import { duration } from '../../machines/duration.ts';
import { debug, info, type Line, warn } from './line.ts';

/** Lines for what happens without a change of state, and before one; most events have none. */
export function wordsForEvent(event: LockexEvent, context: LockexContext): Line[] {
  switch (event.type) {
    case 'session.unreachable':
      return event.hosts.map(({ host, problem }) => warn(`${host}: ${problem}`, { host, problem }));
    case 'lock.queued':
      return [info(`waiting: ${wordsForQueue(event.queue)}`, { queue: event.queue })];
    case 'command.unresolved':
      return [warn(event.message)];
    case 'command.armed':
      return [wordsForGuard(event.guarded, event.reach)];
    case 'command.started':
      return context.pid === null ? [] : [wordsForStart(event.pid, context.grant)];
    case 'command.stopped':
      return [...wordsForStop(event.how), ...wordsForHold(context)];
    case 'command.unkillable':
      return wordsForUndying(event.processes, event.unknown, context);
    case 'guard.failed':
      return [{ level: 'error', message: event.message }];
    case 'run.recorded':
      return event.confirmed
        ? [debug('cleanup: recorded the successful run')]
        : [warn(wordsForMissingRecord(event.message))];
    case 'lock.released':
      return event.confirmed
        ? [debug(`cleanup: ${event.message}`)]
        : [warn(`cleanup: ${event.message}`)];
    case 'session.closed':
      return event.clean ? [] : [debug('the session was left to end by its timeout')];
    case 'lease.renewed':
      return [debug('the lease was renewed', { lease: event.lease })];
    case 'signal.received':
      return wordsForSignal(event.signal, context);
    default:
      return [];
  }
}

/** `--once-per`: the command succeeded, and its next run will not know. */
export function wordsForMissingRecord(reason: string): string {
  return `cleanup: could not record the successful run: it may run again too early (${reason})`;
}

function wordsForUndying(
  processes: readonly string[],
  unknown: string | undefined,
  { loss }: LockexContext,
): Line[] {
  const lines: Line[] = [];
  if (unknown !== undefined) {
    const kept = loss === null ? '; keeping the lock and trying again' : '; trying again';
    const message = `cannot tell whether all processes of the command have exited: ${unknown}${kept}`;
    lines.push(warn(message, { unknown }));
  }
  if (processes.length > 0 || unknown === undefined) {
    const kept = loss === null ? '; the lock is kept until they are dead' : '';
    lines.push(warn(`will not die: ${processes.join(', ')}${kept}`, { processes }));
  }
  return lines;
}

function wordsForSignal(signal: string, { pid }: LockexContext): Line[] {
  if (signal === 'SIGTSTP') {
    return [warn('SIGTSTP is not obeyed: a stopped lockex would lose the lock')];
  }
  return [debug(pid === null ? `got ${signal}` : `got ${signal}, with the command running`)];
}

function wordsForHold({ isHolding, outcome, holdMs }: LockexContext): Line[] {
  const hasEnded = outcome?.kind === 'exited' || outcome?.kind === 'leftovers';
  if (!isHolding || !hasEnded) return [];
  const held = duration(holdMs ?? 0);
  return [info(`cleanup: the lock is kept until ${held} after the command's start (--hold)`)];
}

function wordsForStop({ means, stragglers }: StopReport): Line[] {
  const lines: Line[] = [];
  if (stragglers.length > 0) {
    const named = stragglers.join(', ');
    lines.push(
      warn(`the command had left processes behind, now stopped: ${named}`, { stragglers }),
    );
  }
  if (means === 'SIGTERM' || means === 'SIGKILL') {
    lines.push(info(`everything that the command started is dead, by ${means}`, { means }));
  }
  return lines;
}

function wordsForStart(commandPid: number, grant: LockexContext['grant']): Line {
  const fencingToken = grant?.fencingToken;
  const message = `running: the command is pid ${commandPid}, with fencing token ${fencingToken}`;
  return info(message, { commandPid, fencingToken, path: grant?.path });
}

/** `db1 pid 4711 (redis-server) holds the lock; we are 2nd in the queue` */
export function wordsForQueue({ position, holders, behind }: QueueInfo): string {
  const names = holders.map(({ label }) => label || 'a contender that tells no name');
  const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? ' and others' : '');
  const held = names.length > 1 ? `${shown} hold its leases` : `${shown} holds the lock`;
  const holder = names.length === 0 ? 'others are before us' : held;
  const before = behind !== null && behind.node !== holders[0]?.node && behind.label !== '';
  const place = position === 1 ? 'next' : `${ordinal(position)} in the queue`;
  return `${holder}; we are ${place}${before ? `, behind ${behind.label}` : ''}`;
}

function ordinal(place: number): string {
  const last = place % 10;
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][last] ?? 'th');
  return `${place}${ending}`;
}

/** Going without a guard is worth a line; having one is what everybody expects. */
function wordsForGuard(guarded: boolean, reach: string): Line {
  return guarded
    ? debug(`the guard is armed; everything that the command starts is in reach by ${reach}`)
    : info('no guard stands beside the command (--no-guard): should lockex die, it goes on');
}
