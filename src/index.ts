/**
 * lockex as a library: the machine by itself, to be given actors of one's own, and a lockex with the
 * real ones. Described in docs/library.md.
 */

import { reaperArgv } from './platform/installation.ts';
import { openAccess } from './settings/access.ts';
import type { LockexSettings } from './settings/settings.ts';
import { createLockex as createWith, type Lockex, type LockexDependencies } from './wiring.ts';

export type * from '../machines/contract.ts';
export { lockexMachine } from '../machines/lockex.ts';
export type { CommandExit, Outcome, Output } from '../machines/outcome.ts';
export { stateName } from '../machines/state-name.ts';
export type { Access, AclEntry, AuthSource, TlsFiles } from './settings/access.ts';
export type { CommandLine } from './settings/command-line.ts';
export type { LockexSettings } from './settings/settings.ts';
export type { Lockex, LockexDependencies } from './wiring.ts';

/** As the command line has them. Times are milliseconds. */
export const defaults = {
  ...openAccess([{ host: 'localhost', port: 2181 }]),
  lockPath: 'lockex',
  concurrent: 1,
  shared: false,
  recipe: 'kazoo',
  connectTries: 1,
  timeoutMs: 30_000,
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
  guard: true,
} as const satisfies Omit<LockexSettings, 'command' | 'lockId'>;

/**
 * A machine with its real actors: `actor.start()` begins, `output` settles at its end. The settings
 * are not checked as the command line's are. It handles the signals of this process from the start
 * to the end, as the program does, and the command has this process's standard streams.
 */
export function createLockex(
  settings: Partial<LockexSettings> & Pick<LockexSettings, 'command' | 'lockId'>,
  dependencies: Partial<LockexDependencies> = {},
): Lockex {
  // Node makes a pipe non-blocking when it first uses it as stderr, for everybody who shares it:
  // the command. Starting that puts it right again, but only if it happened before.
  void process.stderr;
  return createWith(
    { ...defaults, ...settings },
    {
      log: () => {},
      reaper: reaperArgv(),
      ...dependencies,
    },
  );
}
