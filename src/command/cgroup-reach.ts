/**
 * The first rung of the ladder: a cgroup v2 folder that holds everything the command started,
 * whatever sessions, parents and environments it chose. Only a process with the rights to move
 * itself into another cgroup gets out of it.
 */
import { freezeFolder, isPopulated, killFolder, membersOf, removeFolder } from './cgroup.ts';
import { isLiving, type ProcessRecord, readProcess } from './process-table.ts';
import { type First, type Reach, signalEach, signalOne } from './reach.ts';
import type { Identity } from './types.ts';

export class CgroupReach implements Reach {
  readonly name = 'cgroup';
  readonly #first: First;
  readonly #folder: string;

  constructor(first: First, folder: string) {
    this.#first = first;
    this.#folder = folder;
  }

  isEmpty(): boolean {
    return !isPopulated(this.#folder);
  }

  living(): readonly ProcessRecord[] {
    return membersOf(this.#folder)
      .map(readProcess)
      .filter((record) => record !== null)
      .filter(isLiving);
  }

  signal(signal: NodeJS.Signals): void {
    signalEach(this.#first, this.living(), signal);
  }

  kill(): void {
    if (killFolder(this.#folder)) {
      // The kernel passes over a process whose first thread has ended while others run on.
      const headless = this.living().filter(({ state }) => state === 'Z');
      for (const record of headless) signalOne(record, 'SIGKILL');
      return;
    }
    // Before Linux 5.14: held still, so that nothing forks while it is being counted.
    freezeFolder(this.#folder, true);
    for (const record of this.living()) signalOne(record, 'SIGKILL');
    freezeFolder(this.#folder, false);
  }

  /** The folder knows by itself, and the guard knows the folder. */
  record(): readonly Identity[] {
    return [];
  }

  close(): void {
    removeFolder(this.#folder);
  }
}
