/**
 * The command, as the machine sees it: takes its commands, tells its events. Nothing else of this
 * folder is for others. After `command.stopped` it may be parked again.
 */
import type { CommandCommand, CommandEvent } from '../../machines/contract.ts';
import { Run } from './run.ts';
import type { SupervisorOptions } from './types.ts';

export class CommandSupervisor {
  readonly #options: SupervisorOptions;
  readonly #emit: (event: CommandEvent) => void;
  #run: Run | null = null;

  /**
   * @throws TypeError where a word of the reaper's argv holds a newline: the guard gets it by lines.
   */
  constructor(options: SupervisorOptions, emit: (event: CommandEvent) => void) {
    if (options.reaper?.argv.some((word) => word.includes('\n'))) {
      throw new TypeError("the reaper's argv can't hold newlines");
    }
    this.#options = options;
    this.#emit = emit;
  }

  /** Pid of the guard that stands; null: none does. */
  get guardPid(): number | null {
    return this.#run?.guardPid ?? null;
  }

  send(command: CommandCommand): void {
    switch (command.type) {
      case 'command.park':
        return this.#park();
      case 'command.arm':
        return this.#run?.arm(command.lease);
      case 'command.start':
        return this.#run?.start(command.grant);
      case 'command.extend':
        return this.#run?.extend(command.lease);
      case 'command.signal':
        return this.#run?.signal(command.signal);
      case 'command.stop':
        return this.#stop(command.graceMs, command.deadline);
    }
  }

  /** The reaper's credentials have changed: the guard is told. */
  refreshReaper(): void {
    this.#run?.refreshReaper();
  }

  /** Synchronous last resort: SIGKILL to everything. Nothing is told any more. */
  dispose(): void {
    const run = this.#run;
    this.#run = null;
    run?.dispose();
  }

  /** Parked already: it stays so. */
  #park(): void {
    if (this.#run !== null) return;
    const run: Run = new Run(this.#options, (event) => {
      if (run !== this.#run) return;
      if (event.type === 'command.stopped') this.#run = null;
      this.#emit(event);
    });
    this.#run = run;
    run.park();
  }

  #stop(graceMs: number, deadline: number | null): void {
    if (this.#run !== null) return this.#run.stop(graceMs, deadline);
    const how = { means: 'none', stragglers: [] } as const;
    this.#emit({ type: 'command.stopped', exit: null, how });
  }
}
