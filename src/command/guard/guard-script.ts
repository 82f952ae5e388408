/**
 * The shell script of the guard, composed of its files. Runs nothing; guard.sh describes the
 * protocol.
 */
import { INIT_KILL_SIGNAL } from '../init/init-runtime.ts';
import guard from './guard.sh';
import ending from './guard-ending.sh';
import look from './guard-look.sh';
import marks from './guard-marks.sh';

/**
 * The shell gets this as its script, and GUARD_SCRIPT in the variable `script`: `ps` stays
 * readable, and the name of lockex does not appear in the guard's arguments. (To send the script
 * through a pipe would take 10 ms: a shell reads it byte by byte.)
 */
export const GUARD_BOOT = 'eval "$script"';

export const GUARD_SCRIPT = guard;

/** In the variable `ending` of the guard. */
export const GUARD_ENDING = `init_kill_signal=${INIT_KILL_SIGNAL}\n${ending}${look}${marks}`;
