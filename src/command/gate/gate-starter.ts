/**
 * Starts gates: looks up the command, prepares its environment, and chooses a shell for the gate
 * and an interpreter for the init that work on this host.
 */
import { findInitRuntimes, type InitRuntime } from '../init/init-runtime.ts';
import type { SupervisorOptions } from '../options.ts';
import type { Containment } from '../processes/containment.ts';
import { Gate, type GateEvents } from './gate.ts';
import { prepare, resolveCommand } from './preparation.ts';
import type { Resolution } from './resolve.ts';

export const DEFAULT_SHELL = ['/bin/sh'];
/** For a host whose /bin/sh the kernel does not execute. */
const OTHER_SHELLS = [['/bin/dash'], ['/bin/busybox', 'sh']];
/** execve(2): the program does not exist or cannot be executed. */
const NOT_EXECUTABLE: readonly (string | undefined)[] = ['ENOENT', 'EACCES', 'ENOEXEC', 'ELIBBAD'];
const NO_INIT = 'the command has no init: no interpreter was found, or none of them is suitable';

export class GateStarter {
  readonly #options: SupervisorOptions;
  readonly #containment: Containment;
  /** The gate uses the first one. Shells that cannot be executed are removed, except the last. */
  #shells: readonly (readonly string[])[];
  /** The init uses the first one; unsuitable ones are removed. */
  #runtimes: readonly InitRuntime[];
  #found: Resolution | null = null;
  /** Names of variables that a shell cannot set. */
  #oddNames: readonly string[] = [];

  constructor(options: SupervisorOptions, containment: Containment) {
    this.#options = options;
    this.#containment = containment;
    this.#shells = options.shell === undefined ? [DEFAULT_SHELL, ...OTHER_SHELLS] : [options.shell];
    this.#runtimes = options.initRuntimes ?? findInitRuntimes();
    if (this.#runtimes.length === 0) options.log('debug', NO_INIT);
  }

  /** The result of the last lookup of the command; null: not looked up yet. */
  get found(): Resolution | null {
    return this.#found;
  }

  start(events: GateEvents): Gate {
    const { cwd, ignoreHangup = false, clock } = this.#options;
    this.#containment.prepare();
    const { found, plan, ...preparation } = prepare(this.#options);
    this.#found = found;
    this.#oddNames = plan.odd;
    const { directory, limit, slack } = this.#containment;
    return new Gate(
      {
        ...preparation,
        ...{ plan, clock, cwd, ignoreHangup, limit, slack },
        runtime: this.#runtimes[0] ?? null,
        shell: this.#shells[0] ?? DEFAULT_SHELL,
        entrance: directory === null ? null : `${directory}/cgroup.procs`,
      },
      events,
    );
  }

  /** Looks up the program again if it was not found. (If it has been removed since, exec fails.) */
  lookUpAgain(): void {
    if (this.#found?.ok === false) this.#found = resolveCommand(this.#options);
  }

  /**
   * The gate's shell could not be started. Returns a message; the next gate uses the next shell.
   */
  shellFailed({ code, message }: NodeJS.ErrnoException): string {
    const [shell = DEFAULT_SHELL, ...others] = this.#shells;
    if (NOT_EXECUTABLE.includes(code) && others.length > 0) this.#shells = others;
    return `cannot start ${shell.join(' ')}: ${message}`;
  }

  /**
   * The next gate uses the next interpreter, or none. A gate works without an init, but the
   * command's orphans may escape.
   */
  initUnfit(reason: string): void {
    const [runtime, ...others] = this.#runtimes;
    this.#options.log('debug', `${runtime?.name} cannot run the command's init: ${reason}`);
    this.#runtimes = others;
    if (others.length === 0) this.#options.log('debug', NO_INIT);
  }

  /** Neither the gate's shell nor `env -S` can set the odd names. */
  warnOfLoss(): void {
    if (this.#oddNames.length === 0) return;
    const names = this.#oddNames.join(', ');
    this.#options.log('warn', `\`env -S\` is not available; not passed to the command: ${names}`);
  }
}
