/**
 * The command of one lockex under its supervisor, as the settings want it. A file of its own, which
 * knows nothing of the machine: the command is parked while the rest is still being loaded.
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

export interface SupervisionOptions {
  readonly log: LogFunction;
  readonly clock: Clock;
  /** The program that ends the session of a lockex that is gone; null: its timeout does. */
  readonly reaper: readonly string[] | null;
}

/** The part of the settings that the command needs. */
type CommandActorSettings = Pick<LockexSettings, 'command'> & {
  readonly lock: Pick<LockexSettings['lock'], 'id'>;
  readonly machine: Pick<LockexSettings['machine'], 'killAfterMs' | 'leftovers'>;
};

/** @throws UnusableHostError where the command's processes could not be found */
export function createCommandActor(
  { command, lock, machine: { killAfterMs, leftovers } }: CommandActorSettings,
  options: SupervisionOptions,
): CommandSupervisor {
  checkProcessView();
  const variables = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const [mangled] = firstNonUtf8(variables, 'environ')?.split('=') ?? [];
  if (mangled !== undefined) {
    const words = `the variable ${mangled} is not UTF-8: the command does not get it as it was`;
    options.log('warn', words);
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
