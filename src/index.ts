/**
 * lockex as a library: the machine alone, for your own actors, and lockex with its real actors.
 * Described in docs/library.md.
 */

import type { LockexInput } from '../machines/contract.ts';
import { reaperArgv } from './platform/installation.ts';
import { openAccess } from './settings/access.ts';
import type {
  CommandSettings,
  LockexSettings,
  LockSettings,
  SessionSettings,
} from './settings/settings.ts';
import { createLockex as createWith, type Lockex, type LockexDependencies } from './wiring.ts';

export type * from '../machines/contract.ts';
export { lockexMachine } from '../machines/lockex.ts';
export type { CommandExit, Outcome, Output } from '../machines/outcome.ts';
export { stateName } from '../machines/state-name.ts';
export type { Access, AclEntry, AuthSource, Host, TlsFiles } from './settings/access.ts';
export type { CommandLine } from './settings/command-line.ts';
export type {
  CommandSettings,
  LockexSettings,
  LockSettings,
  SessionSettings,
} from './settings/settings.ts';
export type { Lockex, LockexDependencies } from './wiring.ts';

/** The command line's defaults. Times are milliseconds. */
export const defaults = {
  machine: {
    connectTries: 1,
    lockTries: 1,
    waitMs: null,
    killAfterMs: 5000,
    conflictExitCode: 1,
    maxRuntimeMs: null,
    holdMs: null,
    oncePerMs: null,
    leftovers: 'stop',
    skipExitCode: 0,
    onLost: 'exit',
  },
  access: { ...openAccess([{ host: 'localhost', port: 2181 }]), timeoutMs: 30_000 },
  lock: { path: 'lockex', concurrent: 1, shared: false, recipe: 'kazoo' },
  command: { guard: true },
} as const satisfies Defaults;

interface Defaults {
  readonly machine: LockexInput;
  readonly access: SessionSettings;
  readonly lock: Omit<LockSettings, 'id'>;
  readonly command: Omit<CommandSettings, 'line'>;
}

/** The required settings; all others have defaults. */
export interface PartialSettings {
  readonly machine?: Partial<LockexInput>;
  readonly access?: Partial<SessionSettings>;
  readonly lock: Partial<LockSettings> & Pick<LockSettings, 'id'>;
  readonly command: Partial<CommandSettings> & Pick<CommandSettings, 'line'>;
}

/**
 * A machine with its real actors: call `actor.start()`, then wait for `output`. Unlike the options
 * of the command line, the settings are not validated. While it runs, it handles the signals of
 * this process, like the program, and the command uses this process's standard streams.
 */
export function createLockex(
  { machine, access, lock, command }: PartialSettings,
  dependencies: Partial<LockexDependencies> = {},
): Lockex {
  // Node makes a pipe non-blocking when it is first used as stderr, for all processes that share
  // it: the command too. Starting the command makes it blocking again, but only if this comes
  // first.
  void process.stderr;
  const settings: LockexSettings = {
    machine: { ...defaults.machine, ...machine },
    access: { ...defaults.access, ...access },
    lock: { ...defaults.lock, ...lock },
    command: { ...defaults.command, ...command },
  };
  return createWith(settings, { log: () => {}, reaper: reaperArgv(), ...dependencies });
}
