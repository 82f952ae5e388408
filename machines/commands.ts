/** The commands that the machine sends to its actors, made from its context. Pure. */
import { assertEvent } from 'xstate';
import type { CommandCommand, LockexContext, LockexEvent, ZookeeperCommand } from './contract.ts';
import { known } from './known.ts';

interface CommandArgs {
  readonly context: LockexContext;
  readonly event: LockexEvent;
}

/** To the `zookeeper` actor. */
export const zookeeperCommands = {
  connect: { type: 'session.connect' },
  join: ({ context }: CommandArgs) =>
    ({ type: 'lock.join', blocking: context.waitMs !== 0 }) satisfies ZookeeperCommand,
  confirm: { type: 'lock.confirm' },
  record: { type: 'run.record' },
  release: { type: 'lock.release' },
  abandon: { type: 'session.abandon' },
  close: { type: 'session.close' },
} as const satisfies CommandTable<ZookeeperCommand>;

/** To the `command` actor. */
export const commandCommands = {
  park: { type: 'command.park' },
  arm: ({ context }: CommandArgs) =>
    ({ type: 'command.arm', lease: known(context.lease) }) satisfies CommandCommand,
  start: ({ context }: CommandArgs) =>
    ({ type: 'command.start', grant: known(context.grant) }) satisfies CommandCommand,
  extend: ({ context }: CommandArgs) =>
    ({ type: 'command.extend', lease: known(context.lease) }) satisfies CommandCommand,
  forwardSignal: ({ event }: CommandArgs) => {
    assertEvent(event, 'signal.received');
    return { type: 'command.signal', signal: event.signal } satisfies CommandCommand;
  },
  stop: ({ context }: CommandArgs) =>
    ({
      type: 'command.stop',
      graceMs: context.killAfterMs,
      deadline: null,
    }) satisfies CommandCommand,
  kill: { type: 'command.stop', graceMs: 0, deadline: null },
  /**
   * With the grace that the lease has left; without one where another may hold the lock already.
   */
  stopByDeadline: ({ context }: CommandArgs) => {
    const deadline = context.loss?.leaseEnd ?? null;
    return {
      type: 'command.stop',
      graceMs: deadline === null ? 0 : context.killAfterMs,
      deadline,
    } satisfies CommandCommand;
  },
} as const satisfies CommandTable<CommandCommand>;

type CommandTable<Command> = Readonly<Record<string, Command | ((args: CommandArgs) => Command)>>;
