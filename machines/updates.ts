/** Updates of the machine's context by events. Pure. */
import { assertEvent } from 'xstate';
import type { LockexContext, LockexEvent } from './contract.ts';

interface UpdateArgs {
  readonly context: LockexContext;
  readonly event: LockexEvent;
}

type Update = (args: UpdateArgs) => Partial<LockexContext>;

export const updates = {
  countPatience: () => ({ patience: 'counting' }),
  endPatience: () => ({ patience: 'over' }),
  resetPatience: () => ({ patience: 'fresh' }),
  endHold: () => ({ isHolding: false }),

  noteNewSession: ({ event }) => {
    assertEvent(event, 'session.established');
    const { session, lease } = event;
    return { session, lease, loss: null };
  },
  noteSession: ({ event }) => {
    assertEvent(event, 'session.resumed');
    return { session: event.session };
  },
  noteQueue: ({ event }) => {
    assertEvent(event, 'lock.queued');
    return { queue: event.queue };
  },
  noteGrant: ({ event }) => {
    assertEvent(event, 'lock.confirmed');
    const { grant, lease } = event;
    return { grant, lease };
  },
  noteLease: ({ event }) => {
    assertEvent(event, 'lease.renewed');
    return { lease: event.lease };
  },
  noteLoss: ({ event }) => {
    assertEvent(event, 'session.lost');
    return { loss: event.loss };
  },
  /** The guard killed the command, even if the lease seems to be valid. */
  noteLossByGuard: () => ({ loss: { cause: 'guardFired', message: null, leaseEnd: null } }),
  notePid: ({ event }) => {
    assertEvent(event, 'command.started');
    return { pid: event.pid };
  },
  noteExit: ({ event }) => {
    assertEvent(event, 'command.exited');
    return { exit: event.exit, pid: null };
  },
  noteStopped: ({ context, event }) => {
    assertEvent(event, 'command.stopped');
    return { exit: context.exit ?? event.exit, stopReport: event.how, pid: null };
  },

  forgetSession: () => ({ session: null, queue: null, lease: null, grant: null }),
  forgetCommand: () => ({ exit: null, stopReport: null, pid: null }),
  spendConnectTry: ({ context }) => ({ connectTriesLeft: context.connectTriesLeft - 1 }),
  renewConnectTries: ({ context }) => ({ connectTriesLeft: context.connectTries }),
  spendLockTry: ({ context }) => ({ lockTriesLeft: context.lockTriesLeft - 1 }),
  renewLockTries: ({ context }) => ({ lockTriesLeft: context.lockTries }),
} as const satisfies Readonly<Record<string, Update>>;
