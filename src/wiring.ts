/**
 * The one place that joins the machine with its actors: ZooKeeper, the command, signals.
 *
 * It translates calls, and it holds the last resort: a machine that failed can't stop a command any
 * more, so the command is killed without it.
 */

import {
  type Actor,
  createActor,
  type EventObject,
  fromCallback,
  type InspectionEvent,
} from 'xstate';
import type {
  CommandCommand,
  CommandEvent,
  SignalEvent,
  ZookeeperCommand,
  ZookeeperEvent,
} from '../machines/contract.ts';
import { createLockexMachine, type lockexMachine } from '../machines/lockex.ts';
import type { Output } from '../machines/outcome.ts';
import { createCommandActor } from './actors/command.ts';
import { SignalWatcher } from './actors/signals.ts';
import { ZookeeperActor } from './actors/zookeeper.ts';
import type { CommandSupervisor } from './command/supervisor.ts';
import type { LockexSettings } from './settings/settings.ts';
import { type Clock, systemClock } from './util/clock.ts';
import type { LogFunction } from './util/log-level.ts';

export interface LockexDependencies {
  readonly log: LogFunction;
  readonly clock?: Clock;
  readonly inspect?: (event: InspectionEvent) => void;
  /** The program that ends the session of a lockex that is gone; without it, its timeout does. */
  readonly reaper?: readonly string[];
  /** The command's supervisor, where it was made beforehand. Then the reaper is known to it. */
  readonly supervisor?: CommandSupervisor;
  /** The same of the contender. It has to tell that supervisor what would end its session. */
  readonly contention?: ZookeeperActor;
}

export interface Lockex {
  readonly actor: Actor<typeof lockexMachine>;
  /** Settles when the machine is done; rejects when it failed, with the command killed. */
  readonly output: Promise<Output>;
}

/** Makes a machine with its real actors; `actor.start()` begins. */
export function createLockex(settings: LockexSettings, dependencies: LockexDependencies): Lockex {
  const clock = dependencies.clock ?? systemClock;
  const { log, reaper = null } = dependencies;
  const supervisor =
    dependencies.supervisor ?? createCommandActor(settings, { log, clock, reaper });

  const contention =
    dependencies.contention ??
    new ZookeeperActor(settings, {
      ...{ log, clock },
      onSessionToClose: (line) => supervisor.setSessionToClose(line),
    });

  const zookeeper = fromCallback<ZookeeperCommand, undefined, ZookeeperEvent>(
    ({ sendBack, receive }) => {
      contention.listen(sendBack);
      receive((order) => contention.send(order));
      return () => contention.dispose();
    },
  );

  const command = fromCallback<CommandCommand, undefined, CommandEvent>(({ sendBack, receive }) => {
    supervisor.listen(sendBack);
    receive((order) => supervisor.send(order));
    return () => supervisor.dispose();
  });

  const signals = fromCallback<EventObject, undefined, SignalEvent>(({ sendBack }) => {
    const watcher = new SignalWatcher(sendBack, supervisor);
    watcher.start();
    return () => watcher.stop();
  });

  const actor = createActor(createLockexMachine({ zookeeper, command, signals }), {
    input: settings,
    ...(dependencies.inspect && { inspect: dependencies.inspect }),
  });
  const output = new Promise<Output>((resolve, reject) => {
    actor.subscribe({
      complete: () => resolve(actor.getSnapshot().output as Output),
      error: (error) => {
        // Invoked actors outlive a machine that failed (xstate#5153): end them by hand.
        supervisor.dispose();
        contention.dispose();
        reject(error);
      },
    });
  });
  return { actor, output };
}
