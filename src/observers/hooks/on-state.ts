/** `--on-state CMD`: a command line for `/bin/sh`, run at each change of state. */
import { escaped } from '../../util/printable.ts';
import type { HookProgram, StateChange } from './hook-runner.ts';

export function onStateProgram(
  line: string,
  lockId: string,
  env: NodeJS.ProcessEnv,
): (change: StateChange) => HookProgram {
  // Variables of an outer lockex are not passed on.
  const { LOCKEX_FENCING_TOKEN: _, LOCKEX_LOCK_PATH: __, ...others } = env;
  return ({ state, from, reason, fencingToken, exitCode }) => ({
    program: '/bin/sh',
    args: ['-c', line],
    env: {
      ...others,
      LOCKEX_LOCKID: lockId,
      LOCKEX_STATE: state,
      LOCKEX_STATE_BEFORE: from,
      // It may contain a server's text, and hooks print it.
      LOCKEX_REASON: escaped(reason),
      ...(fencingToken !== null && { LOCKEX_FENCING_TOKEN: fencingToken }),
      ...(exitCode !== null && { LOCKEX_EXIT_CODE: String(exitCode) }),
    },
  });
}
