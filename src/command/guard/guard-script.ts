/** The shell script of the guard, composed of its files. guard.sh describes the protocol. */
import { INIT_KILL_SIGNAL } from '../init/init-runtime.ts';
import guard from './guard.sh';
import ending from './guard-ending.sh';
import marks from './guard-marks.sh';
import scan from './guard-scan.sh';

/**
 * The script argument of the shell; GUARD_SCRIPT is in the variable `script`. So the output of `ps`
 * stays readable, and the name of lockex does not appear in the guard's arguments. (Sending the
 * script through a pipe would take 10 ms: a shell reads it byte by byte.)
 */
export const GUARD_BOOT = 'eval "$script"';

export const GUARD_SCRIPT = guard;

/** The guard gets it in the variable `ending`. */
export const GUARD_ENDING = `init_kill_signal=${INIT_KILL_SIGNAL}\n${ending}${scan}${marks}`;
