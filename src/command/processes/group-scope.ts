/**
 * The scope on a host without /proc (macOS): the command's process group. A daemon that leaves the
 * group is not found (docs/safety.md).
 */
import type { Identity } from '../options.ts';
import type { ProcessRecord } from './process-table.ts';
import type { First, Presence, ProcessScope } from './scope.ts';
import { hasGroup, signalGroup } from './signalling.ts';

export class GroupScope implements ProcessScope {
  readonly name = 'process group';
  readonly #first: First;

  constructor(first: First) {
    this.#first = first;
  }

  /** Zombies count as living here, until their parent has reaped them. */
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
