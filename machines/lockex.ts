/**
 * The life cycle of lockex, in order: connecting, waiting, locked, running, suspended, lost,
 * cleanup, done.
 *
 * The machine makes all decisions and does no I/O. Three actors do that: `zookeeper`, `command` and
 * `signals`, provided by `src/wiring.ts`. They are invoked at the root, so that they live from the
 * first state to the last and every state can send to them. Every state handles every event; events
 * without a meaning in a state are ignored by name.
 */
import { initialContext, outputOf } from './context.ts';
import { ignoring } from './ignoring.ts';
import { type LockexActors, lockexSetup } from './setup.ts';

/** No process of the command has run: try the next session (-r). */
const TRY_NEXT_SESSION = ['spendLockTry', 'renewConnectTries', 'forgetSession', 'park'] as const;

/** The lock was lost, and all processes of the command are dead: start over (--on-lost rejoin). */
const START_OVER = [
  'renewLockTries',
  'renewConnectTries',
  'forgetSession',
  'forgetCommand',
  'stopClocks',
  'park',
] as const;

/** The same in `running` and in `suspended.running`: an outage does not stop the command. */
const WHILE_THE_COMMAND_RUNS = {
  'command.started': {
    actions: ['notePid', 'startClocks', 'cancelPatience', 'resetPatience'],
  },
  'command.exited': [
    // The guard's lease was over, even if ours is newer.
    {
      guard: 'isByGuard',
      target: '#lockex.lost.stopping',
      actions: ['noteExit', 'noteLossByGuard'],
    },
    // The command runs until all of its processes have exited.
    { guard: 'willAwaitLeftovers', actions: 'noteExit' },
    { target: '#lockex.cleanup', actions: ['noteExit', 'endExited'] },
  ],
  // All processes have exited, some time after the first one. Only the guard can have killed them.
  'command.stopped': [
    {
      guard: 'wereLeftoversStopped',
      target: '#lockex.lost.stopping',
      actions: ['noteStopped', 'noteLossByGuard'],
    },
    {
      guard: 'willAwaitLeftovers',
      target: '#lockex.cleanup',
      actions: ['noteStopped', 'endExited'],
    },
  ],
  'command.failed': { target: '#lockex.cleanup', actions: 'endNotRunnable' },
  'guard.failed': { target: '#lockex.cleanup', actions: 'endUnguarded' },
  'lease.renewed': { actions: ['noteLease', 'extend'] },
  'session.lost': { target: '#lockex.lost.stopping', actions: 'noteLoss' },
  'run.timedOut': { target: '#lockex.cleanup', actions: 'endTimedOut' },
  'wait.timedOut': { actions: 'endPatience' },
  'hold.over': { actions: 'endHold' },
  'signal.received': [
    { guard: 'isTerm', target: '#lockex.cleanup', actions: 'endStopped' },
    // A stopped lockex would lose the lock.
    { guard: 'isTerminalStop' },
    { actions: 'forwardSignal' },
  ],
} as const;

/** The machine with its actors: like `lockexMachine.provide`, but built only once. */
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
        description: 'A session is being established; the command is parked at its gate.',
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
          // Late events of a previous session.
          ...ignoring('session.suspended', 'session.resumed', 'session.lost', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'lease.renewed'),
          ...ignoring('command.armed', 'command.started', 'command.exited', 'command.stopped'),
          ...ignoring('command.unkillable', 'guard.failed'),
          ...ignoring('run.timedOut', 'run.recorded', 'hold.over'),
        },
      },

      waiting: {
        description: 'Our node is in the queue; the guard is armed beforehand.',
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
        description: 'The lock is granted; confirm the lease and arm the guard before the start.',
        tags: 'lockHeld',
        initial: 'confirming',
        states: {
          confirming: {
            description: 'The lease is being confirmed and the fencing token read.',
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
            description: 'The guard has been sent the deadline and has to echo it.',
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
          // This grant arrived in time; one in another session would be too late.
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
        tags: ['lockHeld', 'commandMayBeAlive'],
        on: {
          ...WHILE_THE_COMMAND_RUNS,
          'session.suspended': { target: 'suspended.running' },
          ...ignoring('session.established', 'session.unreachable'),
          ...ignoring('session.resumed', 'session.closed'),
          ...ignoring('lock.queued', 'lock.granted', 'lock.confirmed', 'lock.refused'),
          ...ignoring('lock.released', 'command.unresolved', 'command.armed'),
          ...ignoring('command.unkillable', 'run.recorded'),
        },
      },

      suspended: {
        description: 'Disconnected, or a renewal is overdue; the session may still be alive.',
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
            tags: 'lockHeld',
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
              // Confirmed and armed again after session.resumed.
              ...ignoring('command.armed', 'command.started', 'command.exited'),
              ...ignoring('run.timedOut', 'hold.over'),
            },
          },
          running: {
            tags: ['lockHeld', 'commandMayBeAlive'],
            on: {
              ...WHILE_THE_COMMAND_RUNS,
              'session.resumed': { target: '#lockex.running', actions: 'noteSession' },
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
        description: 'The lock can no longer be relied on: the command must be dead by leaseEnd.',
        tags: 'lockHeld',
        initial: 'stopping',
        states: {
          disarming: {
            description: 'No command was started: only its gate and guard are stopped.',
            entry: 'kill',
            on: {
              'command.stopped': [
                {
                  guard: 'hasLockTry',
                  target: '#lockex.connecting',
                  actions: TRY_NEXT_SESSION,
                },
                { target: '#lockex.cleanup.closing', actions: ['noteStopped', 'endSessionLost'] },
              ],
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
            description: 'The command is being stopped because the lock is lost.',
            tags: 'commandMayBeAlive',
            entry: 'stopByDeadline',
            on: {
              'command.exited': { actions: 'noteExit' },
              'command.stopped': [
                { guard: 'willRejoin', target: '#lockex.connecting', actions: START_OVER },
                // The gate was not opened, or was opened too late.
                {
                  guard: 'hasNeverRunAndLockTry',
                  target: '#lockex.connecting',
                  actions: TRY_NEXT_SESSION,
                },
                {
                  guard: 'hasNeverRun',
                  target: '#lockex.cleanup.closing',
                  actions: ['noteStopped', 'endSessionLost'],
                },
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
          'Stop the command, then release the lock, then close the session: always in this order.',
        initial: 'stopping',
        states: {
          stopping: {
            description: 'All processes of the command are being stopped; the lock is kept.',
            tags: ['lockHeld', 'commandMayBeAlive'],
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
                { guard: 'isTerminalStop' },
                { actions: 'forwardSignal' },
              ],
            },
          },
          stoppingByDeadline: {
            description: 'The session was lost during cleanup: stop all processes by leaseEnd.',
            tags: ['lockHeld', 'commandMayBeAlive'],
            entry: 'stopByDeadline',
            on: {
              'command.stopped': { target: 'closing', actions: ['endLeftovers', 'noteStopped'] },
              'command.exited': { actions: 'noteExit' },
              'command.unkillable': { target: 'closing', actions: ['endUnkillable', 'abandon'] },
              'signal.received': { guard: 'isTerm', actions: 'kill' },
              ...ignoring('session.lost', 'lease.renewed'),
            },
          },
          recording: {
            description: 'The successful run is being recorded (--once-per).',
            tags: 'lockHeld',
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
            description:
              'The command exited early; the lock is kept for its minimum time (--hold).',
            tags: 'lockHeld',
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

/** The machine without its actors. */
export const lockexMachine = /* @__PURE__ */ createLockexMachine();
