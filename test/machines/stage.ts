/**
 * The machine with simulated actors, which record their commands and send the events of a test, and
 * a simulated clock.
 */
import { createActor, type EventObject, fromCallback, SimulatedClock } from 'xstate';
import type {
  CommandCommand,
  CommandEvent,
  LockexEvent,
  LockexInput,
  SignalEvent,
  ZookeeperCommand,
  ZookeeperEvent,
} from '../../machines/contract.ts';
import { lockexMachine } from '../../machines/lockex.ts';
import { stateName } from '../../machines/state-name.ts';
import { facts, input } from './facts.ts';

export function onStage(changes: Partial<LockexInput> = {}) {
  const clock = new SimulatedClock();
  const sent: (ZookeeperCommand | CommandCommand)[] = [];
  const actor = createActor(
    lockexMachine.provide({
      actors: {
        zookeeper: fromCallback<ZookeeperCommand, undefined, ZookeeperEvent>(({ receive }) => {
          receive((command) => sent.push(command));
        }),
        command: fromCallback<CommandCommand, undefined, CommandEvent>(({ receive }) => {
          receive((command) => sent.push(command));
        }),
        signals: fromCallback<EventObject, undefined, SignalEvent>(() => {}),
      },
    }),
    { input: input(changes), clock },
  );
  const visited: string[] = [];
  actor.subscribe(({ value }) => {
    const state = stateName(value);
    if (visited.at(-1) !== state) visited.push(state);
  });
  actor.start();
  return {
    clock,
    /** Commands that the actors received, in order. */
    sent,
    /** States in the order of their visit. */
    visited,
    state: () => stateName(actor.getSnapshot().value),
    context: () => actor.getSnapshot().context,
    output: () => actor.getSnapshot().output,
    /** The actors send these events, given by name or as they are. */
    hear(...events: (keyof typeof facts | LockexEvent)[]) {
      for (const event of events) actor.send(typeof event === 'string' ? facts[event] : event);
    },
  };
}

/** From the start to the moment when the command runs. */
export const UP_TO_RUNNING = [
  'session.established',
  'lock.granted',
  'lock.confirmed',
  'command.armed',
  'command.started',
] as const;

/** The actors' answers while the machine cleans up. */
export const CLEANED_UP = ['command.stopped', 'lock.released', 'session.closed'] as const;

/** A gate that was not opened in time, or whose command could not be executed. */
export const NEVER_RAN = {
  type: 'command.stopped',
  exit: null,
  how: { means: 'none', stragglers: [] },
} as const;

export function typesOf(sent: readonly { readonly type: string }[]): string[] {
  return sent.map(({ type }) => type);
}
