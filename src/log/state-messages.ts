/** Messages about the machine's states. Pure. */
import type { LockexContext, LockexEvent } from '../../machines/contract.ts';
import { duration } from '../util/duration.ts';
import { debug, error, info, type Line, warn } from './line.ts';
import { messageForCause, messageForLoss } from './outcome-messages.ts';

/**
 * The line for entering a top-level state. `state`: the full name (`lost.stopping`); `now`: a time
 * of the clock of the lease.
 */
export function messageForState(
  state: string,
  context: LockexContext,
  event: LockexEvent | null,
  now: number,
): Line {
  const { session, grant, pid } = context;
  const isReconnected = event?.type === 'session.resumed';
  const [top] = state.split('.');
  switch (top) {
    case 'connecting':
      return info(messageForTry(context, event));
    case 'waiting':
      return info(
        isReconnected
          ? `waiting: reconnected to ${session?.server}`
          : `waiting: connected to ${session?.server}; requesting the lock`,
        { server: session?.server, timeoutMs: session?.timeoutMs },
      );
    case 'locked':
      return info(
        state === 'locked.confirming'
          ? 'locked: lock granted; confirming the lease'
          : 'locked: lock granted, lease confirmed',
      );
    case 'running':
      return isReconnected
        ? info(`running: reconnected to ${session?.server}; lease confirmed`, {
            server: session?.server,
            commandPid: pid,
          })
        : debug('running: opening the gate', {
            fencingToken: grant?.fencingToken,
            path: grant?.path,
          });
    case 'suspended':
      return messageForSuspension(state, context, event, now);
    case 'lost':
      return messageForLostState(state, context, now);
    case 'cleanup':
      return info(`cleanup: ${messageForCause(context)}`, { outcome: context.outcome?.kind });
    default:
      return info(state);
  }
}

function messageForTry(context: LockexContext, event: LockexEvent | null): string {
  const { connectTries, connectTriesLeft, lockTries, lockTriesLeft } = context;
  if (event === null) return 'connecting to ZooKeeper';
  if (event.type === 'session.unreachable') {
    return `connecting again: try ${connectTries - connectTriesLeft + 1} of ${connectTries}`;
  }
  const lockTry = lockTries - lockTriesLeft + 1;
  const count = lockTry > 1 ? `: try ${lockTry} of ${lockTries}` : '';
  return `connecting again with a new session${count}`;
}

/** Only `suspended.running` has a command, and a lease that counts down. */
function messageForSuspension(
  state: string,
  { lease }: LockexContext,
  event: LockexEvent | null,
  now: number,
): Line {
  const reason = event?.type === 'session.suspended' ? event.reason : 'not connected';
  if (state !== 'suspended.running' || lease === null) {
    return warn(`suspended: ${reason}; reconnecting`, { reason, leaseLeftMs: null });
  }
  const leaseLeftMs = Math.max(0, Math.round(lease.leaseEnd - now));
  const stopInMs = Math.max(0, Math.round(lease.stopAt - now));
  return warn(
    `suspended: ${reason}; reconnecting; the lease ends in ${duration(leaseLeftMs)}, ` +
      `the command will be stopped in ${duration(stopInMs)}`,
    { reason, leaseLeftMs, stopInMs },
  );
}

function messageForLostState(state: string, { loss }: LockexContext, now: number): Line {
  const message = loss === null ? 'the lock is lost' : messageForLoss(loss);
  const leaseEnd = loss?.leaseEnd ?? null;
  const leaseLeftMs = leaseEnd === null ? null : Math.max(0, Math.round(leaseEnd - now));
  const fields = { cause: loss?.cause, leaseLeftMs };
  if (state !== 'lost.stopping') return warn(`lost: ${message}`, fields);
  const action =
    leaseLeftMs === null
      ? 'killing the command'
      : `stopping the command, which must exit within ${duration(leaseLeftMs)}`;
  return error(`lost: ${message}; ${action}`, fields);
}

/** The reason for a top-level state, for hooks; '' if the state's name says everything. */
export function reasonFor(
  state: string,
  context: LockexContext,
  event: LockexEvent | null,
): string {
  switch (state) {
    case 'suspended':
      return event?.type === 'session.suspended' ? event.reason : '';
    case 'lost':
      return context.loss === null ? '' : messageForLoss(context.loss);
    case 'cleanup':
    case 'done':
      return messageForCause(context);
    default:
      return '';
  }
}
