/**
 * Creates the supervisor of the command from the settings. It does not import the machine, so that
 * the command can be parked while the machine is still being loaded.
 */
import { checkProcessView } from '../command/processes/process-view.ts';
import { CommandSupervisor } from '../command/supervisor.ts';
import { firstNonUtf8 } from '../platform/non-utf8.ts';
import { withoutSecrets } from '../settings/access.ts';
import type { LockexSettings } from '../settings/settings.ts';
import type { Clock } from '../util/clock.ts';
import type { LogFunction } from '../util/log-level.ts';
import { randomHex } from '../util/random.ts';
import { isHangupIgnored } from './signals.ts';

export interface CommandActorOptions {
  readonly log: LogFunction;
  readonly clock: Clock;
  /** The program that closes the session after lockex has died; null: the session times out. */
  readonly reaper: readonly string[] | null;
}

/** The part of the settings that the command needs. */
type CommandActorSettings = Pick<LockexSettings, 'command'> & {
  readonly lock: Pick<LockexSettings['lock'], 'id'>;
  readonly machine: Pick<LockexSettings['machine'], 'killAfterMs' | 'leftovers'>;
};

/** @throws UnusableHostError if the command's processes could not be found on this host */
export function createCommandActor(
  { command, lock, machine: { killAfterMs, leftovers } }: CommandActorSettings,
  options: CommandActorOptions,
): CommandSupervisor {
  checkProcessView();
  const variables = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const [name] = firstNonUtf8(variables, 'environ')?.split('=') ?? [];
  if (name !== undefined) {
    options.log(
      'warn',
      `the variable ${name} is not UTF-8: the command gets it with U+FFFD instead`,
    );
  }
  return new CommandSupervisor({
    command: command.line,
    guard: command.guard,
    lockId: lock.id,
    ...{ killAfterMs, leftovers },
    ...options,
    env: withoutSecrets(process.env),
    guid: randomHex(16),
    ignoreHangup: isHangupIgnored(process.env),
  });
}
