/**
 * The life of one lockex, read from top to bottom: connecting, waiting, locked, running, suspended,
 * lost, cleanup, done.
 *
 * It decides everything and does nothing: what touches ZooKeeper, processes and signals are three
 * actors (`zookeeper`, `command`, `signals`) that `src/wiring.ts` provides. They are invoked at the
 * root, so that they live from the first state to the last, and every command can be sent from
 * anywhere. Each state decides every event; those that mean nothing to it are ignored by name.
 */
import { initialContext, outputOf } from './context.ts';
import { ignoring } from './ignoring.ts';
import { type LockexActors, lockexSetup } from './setup.ts';

const WHEN_STARTED = {
  actions: ['notePid', 'startClocks', 'cancelPatience', 'resetPatience'],
} as const;

/** A command that its guard has ended lost its lease, whatever we know of that. */
const WHEN_EXITED = [
  {
    guard: 'isByGuard',
    target: '#lockex.lost.stopping',
    actions: ['noteExit', 'noteGuardsLoss'],
  },
  // Until everything that it started has ended, the command runs.
  { guard: 'willAwaitLeftovers', actions: 'noteExit' },
  { target: '#lockex.cleanup', actions: ['noteExit', 'endExited'] },
] as const;

/** Some time after the first process ended. Only the guard can have stopped what was waited for. */
const WHEN_ALL_EXITED = [
  {
    guard: 'wereLeftoversStopped',
    target: '#lockex.lost.stopping',
    actions: ['noteStopped', 'noteGuardsLoss'],
  },
  {
    guard: 'willAwaitLeftovers',
    target: '#lockex.cleanup',
    actions: ['noteStopped', 'endExited'],
  },
] as const;

/** Nothing of the command has run: the lock may be tried for anew. */
const LOCK_TRY = {
  target: '#lockex.connecting',
  actions: ['spendLockTry', 'renewConnectTries', 'forgetSession', 'park'],
} as const;
const NO_LOCK_TRY = {
  target: '#lockex.cleanup.closing',
  actions: ['noteStopped', 'endSessionLost'],
} as const;

/** The machine with its actors: what `lockexMachine.provide` gives, but built only once. */
export const createLockexMachine = (actors?: LockexActors) =>
  lockexSetup(actors).createMachine({
    id: 'lockex',
    context: ({ input }) => initialContext(input),
    output: ({ context }) => outputOf(context),
    invoke: [
      { id: 'zookeeper', src: 'zookeeper' },
      { id: 'command', src: 'command' },
      { id: 'signals', src: 'signals' },
    ],
    entry: 'park',
    initial: 'connecting',
    states: {
      connecting: {
        description: 'A session is being made; the command is parked at its gate.',
        entry: 'connect',
        on: {
          'session.established': [
            {
              guard: 'isPatienceFresh',
              target: 'waiting',
              actions: ['noteNewSession', 'startPatience', 'countPatience'],
            },
            { target: 'waiting', actions: 'noteNewSession' },
          ],
          'session.unreachable': [
            {
              guard: 'hasConnectTry',
              target: 'connecting',
              reenter: true,
              actions: 'spendConnectTry',
            },
            { target: 'cleanup', actions: 'endUnreachable' },
          ],
          'command.failed': { target: 'cleanup', actions: 'endNotRunnable' },
          'signal.received': { guard: 'isFatal', target: 'cleanup', actions: 'endInterrupted' },
          'wait.timedOut': { target: 'cleanup', actions: 'endConflict' },
          'command.unresolved': {},
          // What an earlier session still had to say.
          ...ignoring('session.suspended', 'session.resumed', 'session.lost', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'lease.renewed'),
          ...ignoring('command.armed', 'command.started', 'command.exited', 'command.stopped'),
          ...ignoring('command.unkillable', 'guard.failed'),
          ...ignoring('run.timedOut', 'run.recorded', 'hold.over'),
        },
      },

      waiting: {
        description: 'Our node stands in the queue; the guard is armed beforehand.',
        entry: ['join', 'extend'],
        on: {
          'lock.queued': [
            { guard: 'isNonBlocking', target: 'cleanup', actions: ['noteQueue', 'endConflict'] },
            { actions: 'noteQueue' },
          ],
          'lock.granted': { target: 'locked' },
          'lock.confirmed': [
            { guard: 'hasRunLately', target: 'cleanup', actions: 'endSkipped' },
            { target: 'locked.arming', actions: 'noteGrant' },
          ],
          'lock.refused': { target: 'cleanup', actions: 'endRefused' },
          'lease.renewed': { actions: ['noteLease', 'extend'] },
          'session.suspended': { target: 'suspended.waiting' },
          'session.lost': { target: 'lost.disarming', actions: 'noteLoss' },
          'command.failed': { target: 'cleanup', actions: 'endNotRunnable' },
          'signal.received': { guard: 'isFatal', target: 'cleanup', actions: 'endInterrupted' },
          'wait.timedOut': { target: 'cleanup', actions: 'endConflict' },
          'command.unresolved': {},
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.resumed', 'session.closed', 'lock.released'),
          ...ignoring('command.armed', 'command.started', 'command.exited', 'command.stopped'),
          ...ignoring('command.unkillable', 'guard.failed'),
          ...ignoring('run.timedOut', 'run.recorded', 'hold.over'),
        },
      },

      locked: {
        description: 'The lock is ours; nothing runs until that is proven and the guard is armed.',
        initial: 'confirming',
        states: {
          confirming: {
            description: 'The lease is being proven and the fencing token read.',
            entry: 'confirm',
            on: {
              'lock.confirmed': [
                { guard: 'hasRunLately', target: '#lockex.cleanup', actions: 'endSkipped' },
                { target: 'arming', actions: 'noteGrant' },
              ],
              'command.armed': {},
            },
          },
          arming: {
            description: 'The guard is told the deadline; it has to echo it.',
            entry: 'arm',
            on: {
              'command.armed': { target: '#lockex.running', actions: ['start', 'extend'] },
              'lock.confirmed': {},
            },
          },
        },
        on: {
          'lease.renewed': { actions: 'noteLease' },
          'lock.refused': { target: 'cleanup', actions: 'endRefused' },
          'session.suspended': { target: 'suspended.locked' },
          'session.lost': { target: 'lost.disarming', actions: 'noteLoss' },
          'command.failed': { target: 'cleanup', actions: 'endNotRunnable' },
          'guard.failed': { target: 'cleanup', actions: 'endUnguarded' },
          'signal.received': { guard: 'isFatal', target: 'cleanup', actions: 'endInterrupted' },
          // The lock came in time. Another session, should it come to that, would be too late.
          'wait.timedOut': { actions: 'endPatience' },
          'command.unresolved': {},
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.resumed', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.released'),
          ...ignoring('command.started', 'command.exited', 'command.stopped', 'command.unkillable'),
          ...ignoring('run.timedOut', 'run.recorded', 'hold.over'),
        },
      },

      running: {
        description: 'The command runs; the lease is renewed.',
        on: {
          'command.started': WHEN_STARTED,
          'wait.timedOut': { actions: 'endPatience' },
          'run.timedOut': { target: 'cleanup', actions: 'endTimedOut' },
          'hold.over': { actions: 'endHold' },
          'command.exited': WHEN_EXITED,
          'command.stopped': WHEN_ALL_EXITED,
          'command.failed': { target: 'cleanup', actions: 'endNotRunnable' },
          'guard.failed': { target: 'cleanup', actions: 'endUnguarded' },
          'lease.renewed': { actions: ['noteLease', 'extend'] },
          'session.suspended': { target: 'suspended.running' },
          'session.lost': { target: 'lost.stopping', actions: 'noteLoss' },
          'signal.received': [
            { guard: 'isTerm', target: 'cleanup', actions: 'endStopped' },
            { guard: 'isStop' },
            { actions: 'passOn' },
          ],
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.resumed', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'command.unresolved', 'command.armed'),
          ...ignoring('command.unkillable', 'run.recorded'),
        },
      },

      suspended: {
        description: 'The connection is gone or the renewal overdue; the session may still live.',
        states: {
          waiting: {
            on: {
              'session.resumed': { target: '#lockex.waiting', actions: 'noteSession' },
              'session.lost': { target: '#lockex.lost.disarming', actions: 'noteLoss' },
              'lease.renewed': { actions: 'noteLease' },
              'command.failed': { target: '#lockex.cleanup', actions: 'endNotRunnable' },
              'wait.timedOut': { target: '#lockex.cleanup', actions: 'endConflict' },
              'signal.received': {
                guard: 'isFatal',
                target: '#lockex.cleanup',
                actions: 'endInterrupted',
              },
              'command.unresolved': {},
              ...ignoring('command.armed', 'command.started', 'command.exited', 'guard.failed'),
              ...ignoring('run.timedOut', 'hold.over'),
            },
          },
          locked: {
            on: {
              'session.resumed': { target: '#lockex.locked', actions: 'noteSession' },
              'session.lost': { target: '#lockex.lost.disarming', actions: 'noteLoss' },
              'lease.renewed': { actions: 'noteLease' },
              'command.failed': { target: '#lockex.cleanup', actions: 'endNotRunnable' },
              'guard.failed': { target: '#lockex.cleanup', actions: 'endUnguarded' },
              'wait.timedOut': { actions: 'endPatience' },
              'signal.received': {
                guard: 'isFatal',
                target: '#lockex.cleanup',
                actions: 'endInterrupted',
              },
              'command.unresolved': {},
              // Confirmed and armed anew once resumed.
              ...ignoring('command.armed', 'command.started', 'command.exited'),
              ...ignoring('run.timedOut', 'hold.over'),
            },
          },
          running: {
            on: {
              'session.resumed': { target: '#lockex.running', actions: 'noteSession' },
              'session.lost': { target: '#lockex.lost.stopping', actions: 'noteLoss' },
              'lease.renewed': { actions: ['noteLease', 'extend'] },
              'command.started': WHEN_STARTED,
              'wait.timedOut': { actions: 'endPatience' },
              'run.timedOut': { target: '#lockex.cleanup', actions: 'endTimedOut' },
              'hold.over': { actions: 'endHold' },
              'command.exited': WHEN_EXITED,
              'command.stopped': WHEN_ALL_EXITED,
              'command.failed': { target: '#lockex.cleanup', actions: 'endNotRunnable' },
              'guard.failed': { target: '#lockex.cleanup', actions: 'endUnguarded' },
              'signal.received': [
                { guard: 'isTerm', target: '#lockex.cleanup', actions: 'endStopped' },
                { guard: 'isStop' },
                { actions: 'passOn' },
              ],
              ...ignoring('command.armed', 'command.unresolved'),
            },
          },
        },
        initial: 'waiting',
        on: {
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.suspended', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'command.stopped', 'command.unkillable', 'run.recorded'),
        },
      },

      lost: {
        description: 'The lock is no longer ours to trust: everything has to be dead by leaseEnd.',
        initial: 'stopping',
        states: {
          disarming: {
            description: 'No command had started: only its gate and guard are put away.',
            entry: 'kill',
            on: {
              'command.stopped': [{ guard: 'hasLockTry', ...LOCK_TRY }, NO_LOCK_TRY],
              'command.unkillable': {
                target: '#lockex.cleanup.closing',
                actions: ['endSessionLost', 'abandon'],
              },
              'signal.received': { guard: 'isFatal', actions: 'endInterrupted' },
              'wait.timedOut': { guard: 'hasLockTry', actions: 'endConflict' },
              ...ignoring('command.exited'),
            },
          },
          stopping: {
            description: 'The command is being stopped for the loss.',
            entry: 'stopInTime',
            on: {
              'command.exited': { actions: 'noteExit' },
              'command.stopped': [
                {
                  guard: 'willRejoin',
                  target: '#lockex.connecting',
                  actions: [
                    'renewLockTries',
                    'renewConnectTries',
                    'forgetSession',
                    'forgetCommand',
                    'stopClocks',
                    'park',
                  ],
                },
                // The gate had not been opened yet, or not in time.
                { guard: 'hasNeverRunAndLockTry', ...LOCK_TRY },
                { guard: 'hasNeverRun', ...NO_LOCK_TRY },
                { target: '#lockex.cleanup.closing', actions: ['noteStopped', 'endLost'] },
              ],
              'command.unkillable': {
                target: '#lockex.cleanup.closing',
                actions: ['endLost', 'abandon'],
              },
              'signal.received': { guard: 'isTerm', actions: ['endLost', 'kill'] },
              'wait.timedOut': { actions: 'endPatience' },
            },
          },
        },
        on: {
          'command.failed': {},
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.suspended', 'session.resumed', 'session.lost', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'lease.renewed'),
          ...ignoring('run.timedOut', 'run.recorded', 'hold.over'),
          ...ignoring('command.unresolved', 'command.armed', 'command.started', 'guard.failed'),
        },
      },

      cleanup: {
        description:
          'First the command, then our node, then the session; in this order and no other.',
        initial: 'stopping',
        states: {
          stopping: {
            description: 'Everything that the command started is being stopped; the lock is kept.',
            entry: 'stop',
            on: {
              'command.stopped': [
                { guard: 'hasSucceeded', target: 'recording', actions: 'noteStopped' },
                {
                  guard: 'isHolding',
                  target: 'holding',
                  actions: ['endLeftovers', 'noteStopped'],
                },
                { target: 'releasing', actions: ['endLeftovers', 'noteStopped'] },
              ],
              'hold.over': { actions: 'endHold' },
              'command.exited': { actions: 'noteExit' },
              'command.unkillable': {},
              'session.lost': { target: 'stoppingByDeadline', actions: 'noteLoss' },
              'lease.renewed': { actions: ['noteLease', 'extend'] },
              'signal.received': [
                { guard: 'isTerm', actions: 'kill' },
                { guard: 'isStop' },
                { actions: 'passOn' },
              ],
            },
          },
          stoppingByDeadline: {
            description: 'The session was lost meanwhile: the same, by leaseEnd.',
            entry: 'stopInTime',
            on: {
              'command.stopped': { target: 'closing', actions: ['endLeftovers', 'noteStopped'] },
              'command.exited': { actions: 'noteExit' },
              'command.unkillable': { target: 'closing', actions: ['endUnkillable', 'abandon'] },
              'signal.received': { guard: 'isTerm', actions: 'kill' },
              ...ignoring('session.lost', 'lease.renewed'),
            },
          },
          recording: {
            description: 'That the command succeeded is being written down (--once-per).',
            entry: 'record',
            on: {
              'run.recorded': [{ guard: 'isHolding', target: 'holding' }, { target: 'releasing' }],
              'hold.over': { actions: 'endHold' },
              'session.lost': { target: 'closing', actions: 'noteLoss' },
              'lease.renewed': { actions: 'noteLease' },
              'signal.received': { guard: 'isFatal', target: 'releasing' },
              ...ignoring('command.exited', 'command.stopped', 'command.unkillable'),
            },
          },
          holding: {
            description: 'The command has ended before its time; the lock is kept (--hold).',
            on: {
              'hold.over': { target: 'releasing' },
              'session.lost': { target: 'closing', actions: 'noteLoss' },
              'lease.renewed': { actions: 'noteLease' },
              'signal.received': { guard: 'isFatal', target: 'releasing' },
              ...ignoring('command.exited', 'command.stopped', 'command.unkillable'),
            },
          },
          releasing: {
            description: 'Our node is being deleted.',
            entry: 'release',
            on: {
              'lock.released': { target: 'closing' },
              'session.lost': { target: 'closing', actions: 'noteLoss' },
              ...ignoring('signal.received', 'lease.renewed'),
              ...ignoring('command.exited', 'command.stopped', 'command.unkillable'),
            },
          },
          closing: {
            description: 'The session is being ended.',
            entry: 'close',
            on: {
              'session.closed': { target: '#lockex.done' },
              ...ignoring('signal.received', 'lease.renewed', 'session.lost', 'lock.released'),
              ...ignoring('command.exited', 'command.stopped', 'command.unkillable'),
            },
          },
        },
        on: {
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.suspended', 'session.resumed', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'command.unresolved', 'command.armed', 'command.started'),
          ...ignoring('command.failed', 'guard.failed'),
          ...ignoring('wait.timedOut', 'run.timedOut', 'hold.over', 'run.recorded'),
        },
      },

      done: { type: 'final' },
    },
  });

/** The machine by itself. */
export const lockexMachine = /* @__PURE__ */ createLockexMachine();
