/**
 * The last rung, for hosts without /proc (macOS): the command's process group and nothing else. A
 * daemon that leaves the group is not found; docs/safety.md says so.
 */

import type { Identity } from '../options.ts';
import type { ProcessRecord } from './process-table.ts';
import { type First, hasGroup, type Presence, type ProcessScope, signalGroup } from './scope.ts';

export class GroupScope implements ProcessScope {
  readonly name = 'process group';
  readonly #first: First;

  constructor(first: First) {
    this.#first = first;
  }

  /** Zombies count as living here, until their parent has looked. */
  presence(): Presence {
    const isEmpty = this.#first.hasEnded() && !hasGroup(this.#first);
    return { state: isEmpty ? 'empty' : 'populated' };
  }

  living(): readonly ProcessRecord[] {
    return [];
  }

  signal(signal: NodeJS.Signals): void {
    signalGroup(this.#first, signal);
  }

  kill(): void {
    signalGroup(this.#first, 'SIGKILL');
  }

  record(): readonly Identity[] {
    return [];
  }

  close(): void {}
}
