/** The machine's guards: pure predicates over context and event. */
import { assertEvent } from 'xstate';
import type { LockexContext, LockexEvent, StopReport } from './contract.ts';
import type { Outcome } from './outcome.ts';

interface GuardArgs {
  readonly context: LockexContext;
  readonly event: LockexEvent;
}

const FATAL_SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/** Processes outlived the command's first process, and did not exit by themselves. */
export function hadToStop({ means, stragglers }: StopReport): boolean {
  return stragglers.length > 0 || means === 'SIGTERM' || means === 'SIGKILL';
}

/** The command's first process exited by itself. */
function hasEnded(outcome: Outcome | null): boolean {
  return outcome?.kind === 'exited' || outcome?.kind === 'leftovers';
}

function hasLockTry({ context: { outcome, lockTriesLeft, patience } }: GuardArgs): boolean {
  return outcome === null && lockTriesLeft > 1 && patience !== 'over';
}

/** `command.stopped` may be sent twice; the second one has no exit. */
function hasNeverRun({ context, event }: GuardArgs): boolean {
  assertEvent(event, 'command.stopped');
  return event.exit === null && context.exit === null;
}

export const guards = {
  isNonBlocking: ({ context }: GuardArgs) => context.waitMs === 0,
  isPatienceFresh: ({ context }: GuardArgs) =>
    context.patience === 'fresh' && context.waitMs !== null && context.waitMs > 0,
  hasConnectTry: ({ context }: GuardArgs) => context.connectTriesLeft > 1,
  hasLockTry,
  hasNeverRun,
  hasNeverRunAndLockTry: (args: GuardArgs) => hasNeverRun(args) && hasLockTry(args),
  willRejoin: ({ context }: GuardArgs) => context.outcome === null && context.onLost === 'rejoin',
  hasRunLately: ({ context: { oncePerMs }, event }: GuardArgs) => {
    assertEvent(event, 'lock.confirmed');
    return event.lastRun !== null && oncePerMs !== null && event.lastRun.agoMs < oncePerMs;
  },
  /** The exit may be known only from the event. */
  hasSucceeded: ({ context, event }: GuardArgs) => {
    assertEvent(event, 'command.stopped');
    const isSuccess = (context.exit ?? event.exit)?.code === 0 && !hadToStop(event.how);
    return isSuccess && context.oncePerMs !== null && context.outcome?.kind === 'exited';
  },
  willAwaitLeftovers: ({ context }: GuardArgs) => context.leftovers === 'await',
  wereLeftoversStopped: ({ context, event }: GuardArgs) => {
    assertEvent(event, 'command.stopped');
    return context.leftovers === 'await' && hadToStop(event.how);
  },
  /** Only after a command that exited by itself: a request to stop also asks for the release. */
  isHolding: ({ context: { isHolding, outcome } }: GuardArgs) => isHolding && hasEnded(outcome),
  isByGuard: ({ event }: GuardArgs) => {
    assertEvent(event, 'command.exited');
    return event.byGuard;
  },
  isTerm: ({ event }: GuardArgs) => {
    assertEvent(event, 'signal.received');
    return event.signal === 'SIGTERM';
  },
  isTerminalStop: ({ event }: GuardArgs) => {
    assertEvent(event, 'signal.received');
    return event.signal === 'SIGTSTP';
  },
  isFatal: ({ event }: GuardArgs) => {
    assertEvent(event, 'signal.received');
    return FATAL_SIGNALS.includes(event.signal);
  },
};
