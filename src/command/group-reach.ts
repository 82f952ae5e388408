/**
 * The last rung, for hosts without /proc (macOS): the command's process group and nothing else. A
 * daemon that leaves the group is not found; docs/safety.md says so.
 */
import type { ProcessRecord } from './process-table.ts';
import { type First, type Reach, signalGroup } from './reach.ts';
import type { Identity } from './types.ts';

export class GroupReach implements Reach {
  readonly name = 'process group';
  readonly #first: First;

  constructor(first: First) {
    this.#first = first;
  }

  /** Zombies count as living here, until their parent has looked. */
  isEmpty(): boolean {
    return this.#first.hasEnded() && !this.#signal(0);
  }

  living(): readonly ProcessRecord[] {
    return [];
  }

  signal(signal: NodeJS.Signals): void {
    if (!signalGroup(this.#first, signal)) this.#signal(signal);
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  record(): readonly Identity[] {
    return [];
  }

  close(): void {}

  /** The group's number stays its own while a member lives; it is asked for only while one did. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.#first.identity.pid, signal);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
}
