/**
 * The command, as the machine sees it: takes its commands, tells its events. Nothing else of this
 * directory is for others. After `command.stopped` it may be parked again.
 *
 * It can be parked before there is a machine to listen: what it has to say is kept until then.
 */
import type { CommandCommand, CommandEvent } from '../../machines/contract.ts';
import { EventBuffer } from '../util/event-buffer.ts';
import { Execution } from './execution.ts';
import type { SupervisorOptions } from './options.ts';

export class CommandSupervisor {
  readonly #options: SupervisorOptions;
  readonly #events = new EventBuffer<CommandEvent>();
  #run: Execution | null = null;
  /** The one that was stopped last; it may have to be left yet. */
  #past: Execution | null = null;
  #credentials = '';

  /**
   * @throws TypeError where a word of the reaper's argv holds a newline: the guard gets it by lines.
   */
  constructor(options: SupervisorOptions) {
    if (options.reaper?.some((word) => word.includes('\n'))) {
      throw new TypeError("the reaper's argv can't hold newlines");
    }
    this.#options = options;
  }

  listen(emit: (event: CommandEvent) => void): void {
    this.#events.listen(emit);
  }

  get ignoreHangup(): boolean {
    return this.#options.ignoreHangup === true;
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

  /** What the reaper is to give back from now on, in one line; empty: nothing. */
  setSessionToClose(credentials: string): void {
    this.#credentials = credentials;
    this.#run?.setSessionToClose(credentials);
  }

  /** Synchronous last resort: SIGKILL to everything. Nothing is told any more. */
  dispose(): void {
    const runs = [this.#run, this.#past];
    this.#run = null;
    for (const run of runs) run?.dispose();
  }

  /** Parked already: it stays so. */
  #park(): void {
    if (this.#run !== null) return;
    const run: Execution = new Execution(this.#options, (event) => {
      if (run !== this.#run) return;
      if (event.type === 'command.stopped') {
        this.#run = null;
        this.#past = run;
      }
      this.#events.emit(event);
    });
    this.#run = run;
    run.setSessionToClose(this.#credentials);
    run.park();
  }

  #stop(graceMs: number, deadline: number | null): void {
    if (this.#run !== null) return this.#run.stop(graceMs, deadline);
    const how = { means: 'none', stragglers: [] } as const;
    this.#events.emit({ type: 'command.stopped', exit: null, how });
  }
}
