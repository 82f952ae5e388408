/**
 * Connects the machine and its actors (ZooKeeper, the command, signals), and gives each its part of
 * the settings. If the machine fails, it can't stop the command any more: then the command is
 * killed here.
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

/** The supervisor of a command, as the machine needs it. */
export type CommandActor = Pick<
  CommandSupervisor,
  'listen' | 'send' | 'dispose' | 'setSessionToClose' | 'ignoreHangup'
>;

export interface LockexDependencies {
  readonly log: LogFunction;
  readonly clock?: Clock;
  readonly inspect?: (event: InspectionEvent) => void;
  /** argv of the program that closes an orphaned session; without it, the session times out. */
  readonly reaper?: readonly string[];
  /** A command actor that was created earlier, with the reaper. */
  readonly commandActor?: CommandActor;
  /** A ZooKeeper actor that was created earlier and passes its session to that command actor. */
  readonly zookeeperActor?: ZookeeperActor;
  /** Reports the signals that are received; returns what ends that. */
  readonly watchSignals?: (emit: (event: SignalEvent) => void) => () => void;
}

export interface Lockex {
  readonly actor: Actor<typeof lockexMachine>;
  /** Resolves when the machine is done; rejects when it failed, after the command was killed. */
  readonly output: Promise<Output>;
}

/** Creates a machine with its real actors; call `actor.start()`. */
export function createLockex(settings: LockexSettings, dependencies: LockexDependencies): Lockex {
  const clock = dependencies.clock ?? systemClock;
  const { log, reaper = null } = dependencies;
  const commandActor =
    dependencies.commandActor ?? createCommandActor(settings, { log, clock, reaper });

  const zookeeperActor =
    dependencies.zookeeperActor ??
    new ZookeeperActor(settings, {
      ...{ log, clock },
      onSessionToClose: (line) => commandActor.setSessionToClose(line),
    });

  const zookeeper = fromCallback<ZookeeperCommand, undefined, ZookeeperEvent>(
    ({ sendBack, receive }) => {
      zookeeperActor.listen(sendBack);
      receive((message) => zookeeperActor.send(message));
      return () => zookeeperActor.dispose();
    },
  );

  const command = fromCallback<CommandCommand, undefined, CommandEvent>(({ sendBack, receive }) => {
    commandActor.listen(sendBack);
    receive((message) => commandActor.send(message));
    return () => commandActor.dispose();
  });

  const signals = fromCallback<EventObject, undefined, SignalEvent>(({ sendBack }) => {
    if (dependencies.watchSignals) return dependencies.watchSignals(sendBack);
    const watcher = new SignalWatcher(sendBack, commandActor);
    watcher.start();
    return () => watcher.stop();
  });

  const actor = createActor(createLockexMachine({ zookeeper, command, signals }), {
    input: settings.machine,
    clock,
    ...(dependencies.inspect && { inspect: dependencies.inspect }),
  });
  const output = new Promise<Output>((resolve, reject) => {
    actor.subscribe({
      complete: () => resolve(actor.getSnapshot().output as Output),
      error: (error) => {
        // Invoked actors outlive a machine that failed (xstate#5153).
        commandActor.dispose();
        zookeeperActor.dispose();
        reject(error);
      },
    });
  });
  return { actor, output };
}
