/** What the log says of the machine's states and events. Pure: facts in, words out. */
import type { LockexContext, LockexEvent, QueueInfo, StopReport } from '../../machines/contract.ts';
import type { CommandExit, Output } from '../../machines/outcome.ts';

export interface Line {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The line for entering a top-level state; `now` is of the clock that leases are counted by. */
export function wordsForState(
  state: string,
  context: LockexContext,
  event: LockexEvent | null,
  now: number,
): Line {
  const { session, grant, pid, lease, loss, outcome } = context;
  switch (state) {
    case 'connecting':
      return info('connecting to ZooKeeper');
    case 'waiting':
      return info(
        event?.type === 'session.resumed'
          ? `waiting: connected again, to ${session?.server}`
          : `waiting: connected to ${session?.server}, asking for the lock`,
        { session: session?.id, server: session?.server, timeoutMs: session?.timeoutMs },
      );
    case 'locked':
      return info('locked: the lock is ours; proving the lease');
    case 'running':
      return event?.type === 'session.resumed'
        ? info(`running: connected again, to ${session?.server}; the lease is proven`, {
            server: session?.server,
            commandPid: pid,
          })
        : info('running: the command is started', {
            fencingToken: grant?.fencingToken,
            path: grant?.path,
          });
    case 'suspended': {
      const reason = event?.type === 'session.suspended' ? event.reason : 'no connection';
      const leftMs = lease === null || grant === null ? null : Math.max(0, lease.stopAt - now);
      const left = leftMs === null ? '' : `; the command may go on for ${seconds(leftMs)}`;
      return warn(`suspended: ${reason}${left}`, { reason, leaseLeftMs: leftMs });
    }
    case 'lost':
      return warn(`lost: ${loss?.message ?? 'the lock is lost'}`, { cause: loss?.cause });
    case 'cleanup':
      return info(`cleanup: ${wordsForCause(context)}`, { reason: outcome?.kind });
    default:
      return info(state);
  }
}

/** Why it is cleaning up. */
function wordsForCause({ outcome, exit }: LockexContext): string {
  if (outcome === null) return 'ending';
  switch (outcome.kind) {
    case 'exited':
      return `the command ${wordsForExit(exit)}`;
    case 'stopped':
      return `stopping the command, on ${outcome.signal}`;
    case 'interrupted':
      return `ended by ${outcome.signal}`;
    default:
      return outcome.message;
  }
}

/** The last line. */
export function wordsForOutput({ exitCode, outcome, command }: Output): Line {
  const fields = { exitCode, reason: outcome.kind };
  switch (outcome.kind) {
    case 'exited':
      return info(`done: the command ${wordsForExit(command)}`, fields);
    case 'stopped':
      return info(`done: the command was stopped on ${outcome.signal}`, fields);
    case 'interrupted':
      return info(`done: ended by ${outcome.signal} before the command was started`, fields);
    case 'conflict':
      return { level: 'warn', message: `done: ${outcome.message}`, fields };
    default:
      return { level: 'error', message: `done: ${outcome.message}`, fields };
  }
}

/** Lines for what happens without a change of state, and before one; most events have none. */
export function wordsForEvent(event: LockexEvent, context: LockexContext): Line[] {
  switch (event.type) {
    case 'session.unreachable':
      return event.hosts.map(({ host, problem }) => warn(`${host}: ${problem}`, { host, problem }));
    case 'lock.queued':
      return [info(`waiting: ${wordsForQueue(event.queue)}`, { queue: event.queue })];
    case 'command.doubtful':
      return [warn(event.message)];
    case 'command.armed':
      return [info2debug(`the guard is armed; what it reaches: ${event.reach}`, event.guarded)];
    case 'command.started':
      return [info(`running: pid ${event.pid}`, { commandPid: event.pid })];
    case 'command.stopped':
      return wordsForStop(event.how);
    case 'command.undying': {
      const processes = event.processes.join(', ');
      return [warn(`will not die: ${processes}; the lock is kept`, { processes: event.processes })];
    }
    case 'guard.failed':
      return [{ level: 'error', message: event.message }];
    case 'lock.released':
      return event.confirmed
        ? [debug(`cleanup: ${event.message}`)]
        : [warn(`cleanup: ${event.message}`)];
    case 'lease.renewed':
      return [debug('the lease was renewed', { lease: event.lease })];
    case 'signal.received':
      return wordsForSignal(event.signal, context);
    default:
      return [];
  }
}

function wordsForSignal(signal: string, { pid }: LockexContext): Line[] {
  if (signal === 'SIGTSTP') {
    return [warn('SIGTSTP is not obeyed: a stopped lockex would lose the lock')];
  }
  return [debug(pid === null ? `got ${signal}` : `got ${signal}, with the command running`)];
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
    lines.push(info(`cleanup: stopped with ${means}`, { means }));
  }
  return lines;
}

/** `db1 pid 4711 (redis-server) holds the lock; we are 2nd in the queue` */
export function wordsForQueue({ position, holders, behind }: QueueInfo): string {
  const names = holders.map(({ label }) => label || 'a contender that tells no name');
  const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? ' and others' : '');
  const held = names.length > 1 ? `${shown} hold its leases` : `${shown} holds the lock`;
  const holder = names.length === 0 ? 'others are before us' : held;
  const before = behind !== null && behind.node !== holders[0]?.node && behind.label !== '';
  return `${holder}; we are ${ordinal(position)} in the queue${before ? `, behind ${behind.label}` : ''}`;
}

function wordsForExit(exit: CommandExit | null): string {
  if (exit === null) return 'ended';
  return exit.signal ? `was killed by ${exit.signal.name}` : `exited with ${exit.code}`;
}

function ordinal(place: number): string {
  const last = place % 10;
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][last] ?? 'th');
  return `${place}${ending}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function info(message: string, fields?: Line['fields']): Line {
  return fields ? { level: 'info', message, fields } : { level: 'info', message };
}

function warn(message: string, fields?: Line['fields']): Line {
  return { ...info(message, fields), level: 'warn' };
}

function debug(message: string, fields?: Line['fields']): Line {
  return { ...info(message, fields), level: 'debug' };
}

/** Going without a guard is worth a line; having one is what everybody expects. */
function info2debug(message: string, guarded: boolean): Line {
  return guarded
    ? debug(message)
    : info('no guard stands beside the command (--no-guard): should lockex die, it goes on');
}
