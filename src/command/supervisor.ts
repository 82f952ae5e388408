/**
 * The supervisor of the command, an actor of the machine: receives its commands, emits events. The
 * only interface of this directory. After `command.stopped` the command may be parked again.
 *
 * The command can be parked before the machine is created: events are buffered until `listen`.
 */
import type { CommandCommand, CommandEvent } from '../../machines/contract.ts';
import { EventBuffer } from '../util/event-buffer.ts';
import { Execution } from './execution.ts';
import type { SupervisorOptions } from './options.ts';

export class CommandSupervisor {
  readonly #options: SupervisorOptions;
  readonly #events = new EventBuffer<CommandEvent>();
  #execution: Execution | null = null;
  /** The last execution that was stopped; it may not be released yet. */
  #previous: Execution | null = null;
  #credentials = '';

  /** @throws TypeError if an argument of the reaper contains a newline (the guard reads lines) */
  constructor(options: SupervisorOptions) {
    if (options.reaper?.some((argument) => argument.includes('\n'))) {
      throw new TypeError("the reaper's argv must not contain newlines");
    }
    this.#options = options;
  }

  listen(emit: (event: CommandEvent) => void): void {
    this.#events.listen(emit);
  }

  get ignoreHangup(): boolean {
    return this.#options.ignoreHangup === true;
  }

  /** Pid of the guard; null: none is running. */
  get guardPid(): number | null {
    return this.#execution?.guardPid ?? null;
  }

  send(command: CommandCommand): void {
    switch (command.type) {
      case 'command.park':
        return this.#park();
      case 'command.arm':
        return this.#execution?.arm(command.lease);
      case 'command.start':
        return this.#execution?.start(command.grant);
      case 'command.extend':
        return this.#execution?.extend(command.lease);
      case 'command.signal':
        return this.#execution?.signal(command.signal);
      case 'command.stop':
        return this.#stop(command.graceMs, command.deadline);
    }
  }

  /** The session that the reaper closes, in one line for its stdin; empty: none. */
  setSessionToClose(credentials: string): void {
    this.#credentials = credentials;
    this.#execution?.setSessionToClose(credentials);
  }

  /** Synchronous last resort: sends SIGKILL to all processes. No event follows. */
  dispose(): void {
    const executions = [this.#execution, this.#previous];
    this.#execution = null;
    for (const execution of executions) execution?.dispose();
  }

  /** Does nothing if the command is parked already. */
  #park(): void {
    if (this.#execution !== null) return;
    const execution: Execution = new Execution(this.#options, (event) => {
      if (execution !== this.#execution) return;
      if (event.type === 'command.stopped') {
        this.#execution = null;
        this.#previous = execution;
      }
      this.#events.emit(event);
    });
    this.#execution = execution;
    execution.setSessionToClose(this.#credentials);
    execution.park();
  }

  #stop(graceMs: number, deadline: number | null): void {
    if (this.#execution !== null) return this.#execution.stop(graceMs, deadline);
    const how = { means: 'none', stragglers: [] } as const;
    this.#events.emit({ type: 'command.stopped', exit: null, how });
  }
}
