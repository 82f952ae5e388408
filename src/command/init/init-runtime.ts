/**
 * The interpreters that can run the init process: perl (perl-base is essential on Debian), else
 * python3. Searches fixed directories of the system, never PATH.
 *
 * The init is the parent of the command, as in `docker run --init`, and a child subreaper
 * (prctl(2), PR_SET_CHILD_SUBREAPER): the kernel makes every orphaned descendant its child. So no
 * descendant can escape by a double fork, setsid(2), another user or another environment.
 *
 * Both scripts (init.pl, init.py) follow this protocol. Descriptors 0 to 3 belong to the gate; the
 * init forks it, and keeps none of them. Descriptor 4 is a socket to lockex:
 *
 *   lockex → init   LENGTH COUNT, a newline, and LENGTH bytes: COUNT strings of the gate's argv,
 *                   the first a path, and its environment as NAME=VALUE, a NUL after each string
 *   init → lockex   unfit REASON         this interpreter is not suitable; the init ends
 *                   failed ERRNO         fork(2) or execve(2) of the gate failed
 *                   started PID START    the first process and its start time (0: unknown)
 *                   exited CODE SIGNAL   how it ended, by its wait status; SIGNAL is 0 where none
 *                                        ended it
 *                   empty                no descendant is left, not even a zombie; sent once, and
 *                                        no other can follow
 *   lockex → init   kill                 SIGKILL to every descendant, until none is left
 *
 * The end of file (lockex is dead, or has finished) and the signal INIT_KILL_SIGNAL mean the same
 * as `kill`. The init exits after the end of file, when no descendant is left. While nothing
 * happens, it waits in select(2) without a timeout.
 */
import { accessSync, constants } from 'node:fs';
import perlScript from './init.pl';
import pythonScript from './init.py';

/**
 * The guard sends it when it fires, because a lockex that hangs keeps the socket open. It is a
 * real-time signal that is used neither by the C libraries (32 to 34) nor by service managers
 * (SIGRTMIN+3 stops a container with systemd), and that every shell's `kill` accepts by number.
 */
export const INIT_KILL_SIGNAL = 40;

export interface InitRuntime {
  readonly name: 'perl' | 'python3';
  readonly argv: readonly string[];
  /** The init's own environment. The gate's goes through the socket. */
  readonly env: Readonly<Record<string, string>>;
}

/** `/run/current-system/sw/bin`: NixOS. */
const DIRECTORIES = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];

/**
 * Numbers of prctl, rt_sigprocmask, signalfd4, execve, close and setsid: asm/unistd.h of each
 * architecture.
 */
const GENERIC_CALLS = '167 135 74 221 57 157';
const CALLS: Readonly<Partial<Record<string, string>>> = {
  x64: '157 14 289 59 3 112',
  arm64: GENERIC_CALLS,
  riscv64: GENERIC_CALLS,
  loong64: GENERIC_CALLS,
};

/** The best first; empty if there is none, or on a system other than Linux. */
export function findInitRuntimes(): readonly InitRuntime[] {
  if (process.platform !== 'linux') return [];
  const calls = CALLS[process.arch];
  const perl = calls === undefined ? null : find('perl');
  const python = find('python3');
  const runtimes: InitRuntime[] = [];
  if (perl !== null) {
    const argv = [perl, '-f', '-e', 'eval $ENV{script}', 'init'];
    runtimes.push({ name: 'perl', argv, env: { ...environment(perlScript), calls: calls ?? '' } });
  }
  if (python !== null) {
    const argv = [python, '-I', '-S', '-E', '-B'];
    argv.push('-c', 'import os; exec(os.environ["script"])', 'init');
    runtimes.push({ name: 'python3', argv, env: environment(pythonScript) });
  }
  return runtimes;
}

/**
 * The script is in a variable, to keep `ps` readable and the name of lockex out of the arguments.
 */
function environment(script: string): Readonly<Record<string, string>> {
  return { PATH: '/usr/bin:/bin', LC_ALL: 'C', script, signal: String(INIT_KILL_SIGNAL) };
}

function find(program: string): string | null {
  for (const directory of DIRECTORIES) {
    const path = `${directory}/${program}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}

/**
 * The first message to an init.
 *
 * @throws TypeError if a string contains NUL, which no argv and no environment can.
 */
export function initRequest(
  argv: readonly string[],
  variables: Readonly<Record<string, string>>,
): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const strings = [...argv, ...assignments];
  if (strings.some((text) => text.includes('\0'))) {
    throw new TypeError('arguments and variables of a command must not contain NUL bytes');
  }
  const payload = strings.map((text) => `${text}\0`).join('');
  return `${Buffer.byteLength(payload)} ${argv.length}\n${payload}`;
}
