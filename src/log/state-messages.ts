/** What the log says of the machine's states and its end. Pure: facts in, words out. */
import type { LockexContext, LockexEvent } from '../../machines/contract.ts';
import { duration } from '../../machines/duration.ts';
import type { CommandExit, Output } from '../../machines/outcome.ts';
import { debug, info, type Line, warn } from './line.ts';

/**
 * The line for entering a top-level state, of which `state` is the full name (`lost.stopping`);
 * `now` is of the clock that leases are counted by.
 */
export function wordsForState(
  state: string,
  context: LockexContext,
  event: LockexEvent | null,
  now: number,
): Line {
  const { session, grant, pid } = context;
  const [top] = state.split('.');
  switch (top) {
    case 'connecting':
      return info(wordsForTry(context, event));
    case 'waiting':
      return info(
        event?.type === 'session.resumed'
          ? `waiting: connected again, to ${session?.server}`
          : `waiting: connected to ${session?.server}, asking for the lock`,
        { server: session?.server, timeoutMs: session?.timeoutMs },
      );
    case 'locked':
      return info(
        state === 'locked.confirming'
          ? 'locked: the lock is ours; proving the lease'
          : 'locked: the lock is ours, and the lease is proven',
      );
    case 'running':
      return event?.type === 'session.resumed'
        ? info(`running: connected again, to ${session?.server}; the lease is proven`, {
            server: session?.server,
            commandPid: pid,
          })
        : debug('running: the gate is opened', {
            fencingToken: grant?.fencingToken,
            path: grant?.path,
          });
    case 'suspended':
      return wordsForSuspension(state, context, event, now);
    case 'lost':
      return wordsForLoss(state, context, now);
    case 'cleanup':
      return info(`cleanup: ${wordsForCause(context)}`, { reason: context.outcome?.kind });
    default:
      return info(state);
  }
}

function wordsForTry(context: LockexContext, event: LockexEvent | null): string {
  const { connectTries, connectTriesLeft, lockTries, lockTriesLeft } = context;
  if (event === null) return 'connecting to ZooKeeper';
  if (event.type === 'session.unreachable') {
    return `connecting again: try ${connectTries - connectTriesLeft + 1} of ${connectTries}`;
  }
  const lockTry = lockTries - lockTriesLeft + 1;
  return `connecting again, with a new session${lockTry > 1 ? `: try ${lockTry} of ${lockTries}` : ''}`;
}

/** `suspended.running` alone has a command, and a lease to run down. */
function wordsForSuspension(
  state: string,
  { lease }: LockexContext,
  event: LockexEvent | null,
  now: number,
): Line {
  const reason = event?.type === 'session.suspended' ? event.reason : 'no connection';
  if (state !== 'suspended.running' || lease === null) {
    return warn(`suspended: ${reason}; reconnecting`, { reason, leaseLeftMs: null });
  }
  const leaseLeftMs = Math.max(0, Math.round(lease.leaseEnd - now));
  const stopInMs = Math.max(0, Math.round(lease.stopAt - now));
  return warn(
    `suspended: ${reason}; the lease lasts ${duration(leaseLeftMs)} more, ` +
      `the command may go on for ${duration(stopInMs)}`,
    { reason, leaseLeftMs, stopInMs },
  );
}

function wordsForLoss(state: string, { loss }: LockexContext, now: number): Line {
  const message = loss?.message ?? 'the lock is lost';
  const leaseEnd = loss?.leaseEnd ?? null;
  const leaseLeftMs = leaseEnd === null ? null : Math.max(0, Math.round(leaseEnd - now));
  const fields = { cause: loss?.cause, leaseLeftMs };
  if (state !== 'lost.stopping') return warn(`lost: ${message}`, fields);
  const how =
    leaseLeftMs === null
      ? 'killing the command at once'
      : `stopping the command, which has to be dead in ${duration(leaseLeftMs)}`;
  return { ...warn(`lost: ${message}; ${how}`, fields), level: 'error' };
}

/** Why it is in this state, for programs of the user's; '' where the state says it all. */
export function reasonFor(
  state: string,
  context: LockexContext,
  event: LockexEvent | null,
): string {
  switch (state) {
    case 'suspended':
      return event?.type === 'session.suspended' ? event.reason : '';
    case 'lost':
      return context.loss?.message ?? '';
    case 'cleanup':
    case 'done':
      return wordsForCause(context);
    default:
      return '';
  }
}

/** Why it is cleaning up; what the last line tells at length is short here. */
function wordsForCause({ outcome, exit, killAfterMs }: LockexContext): string {
  if (outcome === null) return 'ending';
  switch (outcome.kind) {
    case 'exited':
    case 'leftovers':
      return `the command ${wordsForExit(exit)}`;
    case 'stopped':
      return `stopping the command, on ${outcome.signal}; SIGKILL after ${duration(killAfterMs)}`;
    case 'timedOut':
      return `stopping the command, which ran for too long; SIGKILL after ${duration(killAfterMs)}`;
    case 'interrupted':
      return `ended by ${outcome.signal}`;
    case 'conflict':
      return 'giving up';
    case 'skipped':
      return 'nothing to do';
    case 'unreachable':
      return 'no server could be reached';
    case 'refused':
      return 'the lock was refused';
    case 'sessionLost':
    case 'lost':
      return 'the session is lost';
    case 'notRunnable':
      return "the command can't be run";
    case 'failed':
      return 'lockex failed';
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
    case 'skipped':
    case 'conflict':
      // No warning: with -q, a cron job that another host runs says nothing.
      return info(`done: ${outcome.message}`, fields);
    case 'unreachable':
      // Each host has had its line.
      return { level: 'error', message: 'done: no ZooKeeper server could be reached', fields };
    default:
      return { level: 'error', message: `done: ${outcome.message}`, fields };
  }
}

function wordsForExit(exit: CommandExit | null): string {
  if (exit === null) return 'ended';
  return exit.signal ? `was killed by ${exit.signal.name}` : `exited with ${exit.code}`;
}
