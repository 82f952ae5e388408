/** Why a run is in its state, and until when: one sentence for each state. Pure. */
import type { FeedEntry } from '../feed.ts';
import type { Moment } from './moment.ts';
import { outerOf } from './places.ts';
import { duration, exitText, outcomeText } from './text.ts';

export function reasonOf(moment: Moment): string {
  switch (outerOf(moment.entry.state)) {
    case 'connecting':
      return connecting(moment);
    case 'waiting':
      return waiting(moment);
    case 'locked':
      return locked(moment.entry);
    case 'running':
      return running(moment);
    case 'suspended':
      return suspended(moment);
    case 'lost':
      return lost(moment);
    case 'cleanup':
      return cleanup(moment);
    case 'done':
      return done(moment);
    default:
      return '';
  }
}

function connecting({ first, entry }: Moment): string {
  const failure = [entry, first].find(({ event }) => event?.type === 'session.unreachable');
  if (failure !== undefined) {
    return `no server could be reached (${hostsText(failure)}); trying again`;
  }
  const isAgain = first.event?.type === 'command.stopped';
  return isAgain ? 'the session was lost; starting a new one' : 'starting a session with ZooKeeper';
}

export function hostsText({ event }: FeedEntry): string {
  const hosts = listOf(event?.details['hosts']) as readonly { host: string; problem: string }[];
  return hosts.map(({ host, problem }) => `${host}: ${problem}`).join('; ');
}

/** Details of a file may have another shape. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function waiting({ entry, waitLeftMs }: Moment): string {
  const { queue } = entry.facts;
  const until = waitLeftMs === null ? '' : `; gives up in ${duration(waitLeftMs)} (-t)`;
  if (queue === null) return `joining the queue${until}`;
  const holders = queue.holders.map(({ label }) => label || 'an unnamed contender');
  const held =
    holders.length === 0 ? '' : `held by ${holders.slice(0, 3).join(', ')}${andMore(holders)}; `;
  const place =
    queue.position === 1 ? 'next in the queue' : `position ${queue.position} in the queue`;
  return `${held}${place}${until}`;
}

function andMore({ length }: readonly string[]): string {
  return length > 3 ? ` and ${length - 3} more` : '';
}

function locked({ state }: FeedEntry): string {
  return state === 'locked.arming'
    ? 'the lock is granted; the guard is being armed before the command starts'
    : 'the lock is granted; its lease is being confirmed before the command starts';
}

function running({ entry, first, runLeftMs }: Moment): string {
  const { commandPid, fencingToken, exit } = entry.facts;
  const limit = runLeftMs === null ? '' : `; stopped in ${duration(runLeftMs)} (--max-runtime)`;
  if (exit !== null)
    return `the command ${exitText(exit)}; its other processes still run (--wait-for-all)${limit}`;
  if (commandPid === null) return `the command is being started with fencing token ${fencingToken}`;
  const again = first.event?.type === 'session.resumed' ? '; reconnected' : '';
  return `pid ${commandPid} runs with fencing token ${fencingToken}${again}${limit}`;
}

function suspended({ entry, first, lease }: Moment): string {
  const reason = (first.event?.details['reason'] as string | undefined) ?? 'disconnected';
  if (entry.state === 'suspended.waiting')
    return `${reason}; reconnecting, and the place in the queue is kept meanwhile`;
  if (entry.state === 'suspended.locked')
    return `${reason}; the command does not start before lockex has reconnected`;
  if (lease === null || lease.stopInMs <= 0) return `${reason}; stopping the command begins now`;
  const stop = duration(lease.stopInMs);
  return `${reason}; the command is stopped in ${stop} unless lockex reconnects`;
}

function lost(moment: Moment): string {
  const why = moment.entry.facts.loss?.message ?? 'the lock was lost';
  if (moment.entry.state === 'lost.disarming')
    return `${why}; no command was started, and its guard is being stopped`;
  return `${why}; ${deadlineText(moment)}`;
}

/** The command is being stopped, and its lease cannot be renewed. */
function deadlineText({ entry, lease }: Moment): string {
  const { exit } = entry.facts;
  const what = exit === null ? 'the command' : 'the rest of the command';
  if (lease === null) return `${what} is being killed: another contender may hold the lock already`;
  if (lease.leftMs <= 0) return `${what} should have exited: the lease has ended`;
  return `${what} is being stopped and must have exited in ${duration(lease.leftMs)}`;
}

function cleanup(moment: Moment): string {
  const { entry, head, forMs } = moment;
  switch (entry.state) {
    case 'cleanup.stopping': {
      const survivors = survivorsOf(entry);
      if (survivors !== '') return `still running after SIGKILL: ${survivors}; the lock is kept`;
      const killIn = head.limits.killAfterMs - forMs;
      const until = killIn > 0 ? `; SIGKILL in ${duration(killIn)}` : '';
      return `processes of the command are being stopped; the lock is kept${until}`;
    }
    case 'cleanup.stoppingByDeadline':
      return `the session was lost meanwhile; ${deadlineText(moment)}`;
    case 'cleanup.recording':
      return 'the command succeeded; recording that (--once-per)';
    case 'cleanup.holding':
      return 'the command has exited; the lock is kept for its minimum time (--hold)';
    case 'cleanup.releasing':
      return 'the command has exited; the lock is being released';
    default:
      return 'the session is being closed';
  }
}

function survivorsOf({ event }: FeedEntry): string {
  if (event?.type !== 'command.unkillable') return '';
  const processes = listOf(event.details['processes']);
  return processes.join(', ') || String(event.details['unknown'] ?? '');
}

function done({ entry, exitCode }: Moment): string {
  const why = outcomeText(entry.facts.outcome?.kind ?? null, entry.facts.exit);
  return exitCode === null ? why : `exited with status ${exitCode}${why === '' ? '' : `: ${why}`}`;
}
