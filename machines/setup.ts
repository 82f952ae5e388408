/**
 * The vocabulary of `lockex.ts`, given to XState's `setup()`: types, actors, actions, guards.
 * Actions only update the context (`assign`), send commands to actors (`sendTo`) and set timers
 * (`raise`).
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
import { commandCommands, zookeeperCommands } from './commands.ts';
import type {
  CommandCommand,
  CommandEvent,
  LockexContext,
  LockexEvent,
  LockexInput,
  LockexTag,
  SignalEvent,
  ZookeeperCommand,
  ZookeeperEvent,
} from './contract.ts';
import { endings } from './endings.ts';
import { guards } from './guards.ts';
import type { Output } from './outcome.ts';
import { updates } from './updates.ts';

/** The wiring provides the actors; a machine without them must fail at once. */
function unprovided(name: string): never {
  throw new Error(`the machine was started without its actor '${name}': machine.provide() it`);
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
      tags: {} as LockexTag,
    },
    actors,
    guards,
    actions: {
      connect: sendTo('zookeeper', zookeeperCommands.connect),
      join: sendTo('zookeeper', zookeeperCommands.join),
      confirm: sendTo('zookeeper', zookeeperCommands.confirm),
      record: sendTo('zookeeper', zookeeperCommands.record),
      release: sendTo('zookeeper', zookeeperCommands.release),
      abandon: sendTo('zookeeper', zookeeperCommands.abandon),
      close: sendTo('zookeeper', zookeeperCommands.close),

      park: sendTo('command', commandCommands.park),
      arm: sendTo('command', commandCommands.arm),
      start: sendTo('command', commandCommands.start),
      extend: sendTo('command', commandCommands.extend),
      forwardSignal: sendTo('command', commandCommands.forwardSignal),
      stop: sendTo('command', commandCommands.stop),
      kill: sendTo('command', commandCommands.kill),
      stopByDeadline: sendTo('command', commandCommands.stopByDeadline),

      // `-t` counts from the first entry to `waiting`, across all sessions. It restarts after a
      // command has run.
      startPatience: raise(
        { type: 'wait.timedOut' },
        { id: 'patience', delay: ({ context }) => context.waitMs ?? 0 },
      ),
      cancelPatience: cancel('patience'),
      countPatience: assign(updates.countPatience),
      endPatience: assign(updates.endPatience),
      resetPatience: assign(updates.resetPatience),

      // --max-runtime and --hold count from the command's start.
      startClocks: enqueueActions(({ context, enqueue }) => {
        const { maxRuntimeMs, holdMs } = context;
        if (maxRuntimeMs !== null) {
          enqueue.raise(
            { type: 'run.timedOut', maxRuntimeMs },
            { id: 'runtime', delay: maxRuntimeMs },
          );
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
      endHold: assign(updates.endHold),

      noteNewSession: assign(updates.noteNewSession),
      noteSession: assign(updates.noteSession),
      noteQueue: assign(updates.noteQueue),
      noteGrant: assign(updates.noteGrant),
      noteLease: assign(updates.noteLease),
      noteLoss: assign(updates.noteLoss),
      noteLossByGuard: assign(updates.noteLossByGuard),
      notePid: assign(updates.notePid),
      noteExit: assign(updates.noteExit),
      noteStopped: assign(updates.noteStopped),
      forgetSession: assign(updates.forgetSession),
      forgetCommand: assign(updates.forgetCommand),
      spendConnectTry: assign(updates.spendConnectTry),
      renewConnectTries: assign(updates.renewConnectTries),
      spendLockTry: assign(updates.spendLockTry),
      renewLockTries: assign(updates.renewLockTries),

      endInterrupted: assign(endings.endInterrupted),
      endStopped: assign(endings.endStopped),
      endExited: assign(endings.endExited),
      endConflict: assign(endings.endConflict),
      endUnreachable: assign(endings.endUnreachable),
      endRefused: assign(endings.endRefused),
      endSessionLost: assign(endings.endSessionLost),
      endLost: assign(endings.endLost),
      endSkipped: assign(endings.endSkipped),
      endTimedOut: assign(endings.endTimedOut),
      endNotRunnable: assign(endings.endNotRunnable),
      endUnguarded: assign(endings.endUnguarded),
      endLeftovers: assign(endings.endLeftovers),
      endUnkillable: assign(endings.endUnkillable),
    },
  });
