/**
 * The machine's vocabulary: its types, its actors' places, and the actions and guards that the
 * chart in `lockex.ts` names. Actions are `assign`, `sendTo` and `raise`; guards are pure.
 */
import {
  assign,
  cancel,
  type EventObject,
  enqueueActions,
  fromCallback,
  raise,
  sendTo,
  setup,
} from 'xstate';
import type {
  CommandCommand,
  CommandEvent,
  LastRun,
  LockexContext,
  LockexEvent,
  LockexInput,
  QueueInfo,
  SignalEvent,
  StopReport,
  ZookeeperCommand,
  ZookeeperEvent,
} from './contract.ts';
import { duration } from './duration.ts';
import type { Outcome, Output } from './outcome.ts';

/** Actors are the wiring's to provide; a machine without them must not seem to work. */
function unprovided(name: string): never {
  throw new Error(`the machine was started without its actor '${name}': machine.provide() it`);
}

type EventOf<T extends LockexEvent['type']> = Extract<LockexEvent, { type: T }>;

/** For actions that serve one event type: xstate can't narrow the event of a named action. */
function fact<T extends LockexEvent['type']>(event: EventObject, type: T): EventOf<T> {
  if (event.type !== type) throw new Error(`expected ${type}, not ${event.type}`);
  return event as EventOf<T>;
}

/** What must be known by the time that it is sent. */
function held<T>(value: T | null): T {
  if (value === null) throw new Error('sent before it was known');
  return value;
}

/** Writes the outcome unless an earlier cause has. */
function ending(because: (event: EventObject, context: LockexContext) => Outcome) {
  return ({ context, event }: { context: LockexContext; event: EventObject }) => ({
    outcome: context.outcome ?? because(event, context),
  });
}

function hasLockTry({ outcome, lockTriesLeft, patience }: LockexContext): boolean {
  return outcome === null && lockTriesLeft > 1 && patience !== 'over';
}

function unkillableMessage({ processes, unknown }: EventOf<'command.unkillable'>): string {
  const named = processes.length > 0 ? [`would not die: ${processes.join(', ')}`] : [];
  const untold = unknown === undefined ? [] : [`processes could not be looked at: ${unknown}`];
  return [...named, ...untold].join('; ');
}

/** Who asks again after the end is told of it again, without the exit. */
function hasNeverRun({ exit }: LockexContext, event: LockexEvent): boolean {
  return event.type === 'command.stopped' && event.exit === null && exit === null;
}

const LEFTOVERS = 'the command exited with 0, but left processes behind, which were stopped';

/** Something outlived the command's first process, and did not end by itself. */
function hadToStop({ means, stragglers }: StopReport): boolean {
  return stragglers.length > 0 || means === 'SIGTERM' || means === 'SIGKILL';
}

/** The command ended by itself, or its first process did. */
function hasEnded(outcome: Outcome | null): boolean {
  return outcome?.kind === 'exited' || outcome?.kind === 'leftovers';
}

function conflict(waitMs: number | null, queue: QueueInfo | null): string {
  const holder = queue?.holders[0]?.label || 'another contender';
  const waited = waitMs === 0 || waitMs === null ? '' : ` after ${duration(waitMs)}`;
  return `the lock was not had${waited}: ${holder} holds it`;
}

function skip(lastRun: LastRun | null): string {
  const who = lastRun?.label ? `${lastRun.label} finished it` : 'it was finished';
  return `skipped: ${who} ${Math.max(0, Math.round((lastRun?.agoMs ?? 0) / 1000))} s ago`;
}

const UNPROVIDED = {
  zookeeper: fromCallback<ZookeeperCommand, undefined, ZookeeperEvent>(() =>
    unprovided('zookeeper'),
  ),
  command: fromCallback<CommandCommand, undefined, CommandEvent>(() => unprovided('command')),
  signals: fromCallback<EventObject, undefined, SignalEvent>(() => unprovided('signals')),
};

export type LockexActors = typeof UNPROVIDED;

export const lockexSetup = (actors: LockexActors = UNPROVIDED) =>
  setup({
    types: {
      context: {} as LockexContext,
      events: {} as LockexEvent,
      input: {} as LockexInput,
      output: {} as Output,
    },
    actors,
    actions: {
      // To ZooKeeper.
      connect: sendTo('zookeeper', { type: 'session.connect' } satisfies ZookeeperCommand),
      join: sendTo(
        'zookeeper',
        ({ context }) =>
          ({ type: 'lock.join', blocking: context.waitMs !== 0 }) satisfies ZookeeperCommand,
      ),
      confirm: sendTo('zookeeper', { type: 'lock.confirm' } satisfies ZookeeperCommand),
      record: sendTo('zookeeper', { type: 'run.record' } satisfies ZookeeperCommand),
      release: sendTo('zookeeper', { type: 'lock.release' } satisfies ZookeeperCommand),
      abandon: sendTo('zookeeper', { type: 'session.abandon' } satisfies ZookeeperCommand),
      close: sendTo('zookeeper', { type: 'session.close' } satisfies ZookeeperCommand),

      // To the command.
      park: sendTo('command', { type: 'command.park' } satisfies CommandCommand),
      arm: sendTo(
        'command',
        ({ context }) =>
          ({ type: 'command.arm', lease: held(context.lease) }) satisfies CommandCommand,
      ),
      start: sendTo(
        'command',
        ({ context }) =>
          ({ type: 'command.start', grant: held(context.grant) }) satisfies CommandCommand,
      ),
      extend: sendTo(
        'command',
        ({ context }) =>
          ({ type: 'command.extend', lease: held(context.lease) }) satisfies CommandCommand,
      ),
      passOn: sendTo(
        'command',
        ({ event }) =>
          ({
            type: 'command.signal',
            signal: fact(event, 'signal.received').signal,
          }) satisfies CommandCommand,
      ),
      stop: sendTo(
        'command',
        ({ context }) =>
          ({
            type: 'command.stop',
            graceMs: context.killAfterMs,
            deadline: null,
          }) satisfies CommandCommand,
      ),
      kill: sendTo('command', {
        type: 'command.stop',
        graceMs: 0,
        deadline: null,
      } satisfies CommandCommand),
      /** With the grace that the lease has left; none where another may hold the lock already. */
      stopInTime: sendTo('command', ({ context }) => {
        const deadline = context.loss?.leaseEnd ?? null;
        return {
          type: 'command.stop',
          graceMs: deadline === null ? 0 : context.killAfterMs,
          deadline,
        } satisfies CommandCommand;
      }),

      // `-t` counts from the first time that we wait, over sessions; anew after a command has run.
      startPatience: raise(
        { type: 'wait.timedOut' },
        { id: 'patience', delay: ({ context }) => context.waitMs ?? 0 },
      ),
      cancelPatience: cancel('patience'),
      countPatience: assign({ patience: 'counting' }),
      endPatience: assign({ patience: 'over' }),
      resetPatience: assign({ patience: 'fresh' }),

      // What counts from the command's start.
      startClocks: enqueueActions(({ context, enqueue }) => {
        const { maxRuntimeMs, holdMs } = context;
        if (maxRuntimeMs !== null) {
          enqueue.raise({ type: 'run.timedOut' }, { id: 'runtime', delay: maxRuntimeMs });
        }
        if (holdMs !== null) {
          enqueue.assign({ isHolding: true });
          enqueue.raise({ type: 'hold.over' }, { id: 'hold', delay: holdMs });
        }
      }),
      stopClocks: enqueueActions(({ enqueue }) => {
        enqueue.cancel('runtime');
        enqueue.cancel('hold');
        enqueue.assign({ isHolding: false });
      }),
      endHold: assign({ isHolding: false }),

      // What was learned.
      noteNewSession: assign(({ event }) => {
        const { session, lease } = fact(event, 'session.established');
        return { session, lease, loss: null };
      }),
      noteSession: assign(({ event }) => ({ session: fact(event, 'session.resumed').session })),
      noteQueue: assign(({ event }) => ({ queue: fact(event, 'lock.queued').queue })),
      noteGrant: assign(({ event }) => {
        const { grant, lease } = fact(event, 'lock.confirmed');
        return { grant, lease };
      }),
      noteLease: assign(({ event }) => ({ lease: fact(event, 'lease.renewed').lease })),
      noteLoss: assign(({ event }) => ({ loss: fact(event, 'session.lost').loss })),
      noteGuardsLoss: assign({
        loss: {
          cause: 'leaseEnding',
          message: 'the lease ended before it was renewed, and the guard ended the command',
          leaseEnd: null,
        },
      }),
      notePid: assign(({ event }) => ({ pid: fact(event, 'command.started').pid })),
      noteExit: assign(({ event }) => ({ exit: fact(event, 'command.exited').exit, pid: null })),
      noteStopped: assign(({ context, event }) => {
        const { exit, how } = fact(event, 'command.stopped');
        return { exit: context.exit ?? exit, stopReport: how, pid: null };
      }),
      forgetSession: assign({ session: null, queue: null, lease: null, grant: null }),
      forgetCommand: assign({ exit: null, stopReport: null, pid: null }),
      spendConnectTry: assign(({ context }) => ({
        connectTriesLeft: context.connectTriesLeft - 1,
      })),
      renewConnectTries: assign(({ context }) => ({ connectTriesLeft: context.connectTries })),
      spendLockTry: assign(({ context }) => ({ lockTriesLeft: context.lockTriesLeft - 1 })),
      renewLockTries: assign(({ context }) => ({ lockTriesLeft: context.lockTries })),

      // Why it ends: the first cause wins.
      endInterrupted: assign(
        ending((event) => {
          const { signal, number } = fact(event, 'signal.received');
          return { kind: 'interrupted', signal, number };
        }),
      ),
      endStopped: assign(
        ending((event, { exit }) => {
          const { signal } = fact(event, 'signal.received');
          // What is stopped outlived a first process that reported success: --wait-for-all.
          if (exit?.code !== 0) return { kind: 'stopped', signal };
          return { kind: 'leftovers', message: `${LEFTOVERS} on ${signal}` };
        }),
      ),
      endExited: assign(ending(() => ({ kind: 'exited' }))),
      endConflict: assign(
        ending((_, { waitMs, queue }) => ({ kind: 'conflict', message: conflict(waitMs, queue) })),
      ),
      endUnreachable: assign(
        ending((event) => {
          const tried = fact(event, 'session.unreachable').hosts.map(({ host }) => host);
          const message = `no ZooKeeper server could be reached (tried ${tried.join(', ')})`;
          return { kind: 'unreachable', message };
        }),
      ),
      endRefused: assign(
        ending((event) => ({
          kind: 'refused',
          message: fact(event, 'lock.refused').message,
        })),
      ),
      endSessionLost: assign(
        ending((_, { loss }) => ({
          kind: 'sessionLost',
          message: loss?.message ?? 'session lost',
        })),
      ),
      endLost: assign(
        ending((_, { loss }) => ({ kind: 'lost', message: loss?.message ?? 'lock lost' })),
      ),
      endSkipped: assign(
        ending((event) => {
          const { lastRun } = fact(event, 'lock.confirmed');
          return { kind: 'skipped', message: skip(lastRun) };
        }),
      ),
      endTimedOut: assign(
        ending((_, { maxRuntimeMs }) => ({
          kind: 'timedOut',
          message: `the command ran for longer than ${duration(maxRuntimeMs ?? 0)}, and was stopped`,
        })),
      ),
      endNotRunnable: assign(
        ending((event) => {
          const { exitCode, message } = fact(event, 'command.failed');
          return exitCode === 125
            ? { kind: 'failed', message }
            : { kind: 'notRunnable', exitCode, message };
        }),
      ),
      endUnguarded: assign(
        ending((event) => ({ kind: 'failed', message: fact(event, 'guard.failed').message })),
      ),
      /** Overrides 'exited', since a status must not say that all is well. */
      endLeftovers: assign(({ event, context }) => {
        const { how, exit } = fact(event, 'command.stopped');
        const isSuccess = (context.exit ?? exit)?.code === 0;
        if (context.outcome?.kind !== 'exited' || !isSuccess || !hadToStop(how)) return {};
        const named = how.stragglers.length > 0 ? `: ${how.stragglers.join(', ')}` : '';
        const message = `${LEFTOVERS}${named} (--wait-for-all waits for them instead)`;
        return { outcome: { kind: 'leftovers', message } satisfies Outcome };
      }),
      /** Overrides any other but 'lost', for the same reason. */
      endUnkillable: assign(({ event, context }) => ({
        outcome:
          context.outcome?.kind === 'lost'
            ? context.outcome
            : ({
                kind: 'failed',
                message: unkillableMessage(fact(event, 'command.unkillable')),
              } satisfies Outcome),
      })),
    },
    guards: {
      isNonBlocking: ({ context }) => context.waitMs === 0,
      isPatienceFresh: ({ context }) =>
        context.patience === 'fresh' && context.waitMs !== null && context.waitMs > 0,
      hasConnectTry: ({ context }) => context.connectTriesLeft > 1,
      hasLockTry: ({ context }) => hasLockTry(context),
      hasNeverRun: ({ context, event }) => hasNeverRun(context, event),
      hasNeverRunAndLockTry: ({ context, event }) =>
        hasNeverRun(context, event) && hasLockTry(context),
      willRejoin: ({ context }) => context.outcome === null && context.onLost === 'rejoin',
      hasRunLately: ({ context, event }) =>
        event.type === 'lock.confirmed' &&
        event.lastRun !== null &&
        context.oncePerMs !== null &&
        event.lastRun.agoMs < context.oncePerMs,
      /** `command.stopped` is the event: the exit may be told by it alone. */
      hasSucceeded: ({ context, event }) => {
        if (event.type !== 'command.stopped' || hadToStop(event.how)) return false;
        const exit = context.exit ?? event.exit;
        return context.oncePerMs !== null && context.outcome?.kind === 'exited' && exit?.code === 0;
      },
      willAwaitLeftovers: ({ context }) => context.leftovers === 'await',
      wereLeftoversStopped: ({ context, event }) =>
        context.leftovers === 'await' && event.type === 'command.stopped' && hadToStop(event.how),
      /** Only a command that ended by itself has its lock kept: who stops it wants the lock free. */
      isHolding: ({ context: { isHolding, outcome } }) => isHolding && hasEnded(outcome),
      isByGuard: ({ event }) => event.type === 'command.exited' && event.byGuard,
      isTerm: ({ event }) => event.type === 'signal.received' && event.signal === 'SIGTERM',
      isStop: ({ event }) => event.type === 'signal.received' && event.signal === 'SIGTSTP',
      isFatal: ({ event }) =>
        event.type === 'signal.received' &&
        ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'].includes(event.signal),
    },
  });
