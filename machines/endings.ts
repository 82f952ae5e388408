/** Updates that write the outcome. Pure. */
import { assertEvent } from 'xstate';
import type { LockexContext, LockexEvent } from './contract.ts';
import { hadToStop } from './guards.ts';
import { known } from './known.ts';
import type { Outcome } from './outcome.ts';

interface EndingArgs {
  readonly context: LockexContext;
  readonly event: LockexEvent;
}

/** The first cause wins: an outcome that is already written stays. */
const unlessEnded =
  (outcomeOf: (args: EndingArgs) => Outcome) =>
  (args: EndingArgs): Partial<LockexContext> => ({
    outcome: args.context.outcome ?? outcomeOf(args),
  });

export const endings = {
  endInterrupted: unlessEnded(({ event }) => {
    assertEvent(event, 'signal.received');
    return { kind: 'interrupted', signal: event.signal, number: event.number };
  }),
  endStopped: unlessEnded(({ context, event }) => {
    assertEvent(event, 'signal.received');
    const { signal } = event;
    // The first process reported success; what is being stopped outlived it (--wait-for-all).
    if (context.exit?.code === 0) return { kind: 'leftovers', processes: [], signal };
    return { kind: 'stopped', signal };
  }),
  endExited: unlessEnded(() => ({ kind: 'exited' })),
  endConflict: unlessEnded(({ context: { waitMs, queue } }) => ({
    kind: 'conflict',
    waitMs,
    holder: queue?.holders[0]?.label || null,
  })),
  endUnreachable: unlessEnded(({ event }) => {
    assertEvent(event, 'session.unreachable');
    return { kind: 'unreachable', hosts: event.hosts };
  }),
  endRefused: unlessEnded(({ event }) => {
    assertEvent(event, 'lock.refused');
    return { kind: 'refused', message: event.message };
  }),
  endSessionLost: unlessEnded(({ context }) => ({
    kind: 'sessionLost',
    loss: known(context.loss),
  })),
  endLost: unlessEnded(({ context }) => ({ kind: 'lost', loss: known(context.loss) })),
  endSkipped: unlessEnded(({ event }) => {
    assertEvent(event, 'lock.confirmed');
    return { kind: 'skipped', lastRun: known(event.lastRun) };
  }),
  endTimedOut: unlessEnded(({ event }) => {
    assertEvent(event, 'run.timedOut');
    return { kind: 'timedOut', maxRuntimeMs: event.maxRuntimeMs };
  }),
  endNotRunnable: unlessEnded(({ event }) => {
    assertEvent(event, 'command.failed');
    const { exitCode, message } = event;
    return exitCode === 125
      ? { kind: 'failed', message }
      : { kind: 'notRunnable', exitCode, message };
  }),
  endUnguarded: unlessEnded(({ event }) => {
    assertEvent(event, 'guard.failed');
    return { kind: 'failed', message: event.message };
  }),

  /** Replaces 'exited': a run that had to be stopped is not a success. */
  endLeftovers: ({ context, event }: EndingArgs): Partial<LockexContext> => {
    assertEvent(event, 'command.stopped');
    const { how, exit } = event;
    const isSuccess = (context.exit ?? exit)?.code === 0;
    if (context.outcome?.kind !== 'exited' || !isSuccess || !hadToStop(how)) return {};
    return { outcome: { kind: 'leftovers', processes: how.stragglers, signal: null } };
  },
  /** Replaces every outcome except 'lost', for the same reason. */
  endUnkillable: ({ context, event }: EndingArgs): Partial<LockexContext> => {
    if (context.outcome?.kind === 'lost') return {};
    assertEvent(event, 'command.unkillable');
    const { processes, unknown = null } = event;
    return { outcome: { kind: 'unkillable', processes, unknown } };
  },
};
