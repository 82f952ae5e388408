/**
 * The part of the command's scope that is its cgroup: lists, kills and removes it. Never decides
 * that the command has ended: processes may have been moved out of the cgroup.
 */
import {
  canKillCgroup,
  freezeCgroup,
  isOutside,
  isPopulated,
  killCgroup,
  membersOf,
  removeCgroup,
} from './cgroup.ts';
import { type ProcessRecord, readProcess } from './process-table.ts';
import type { Reading, Scan } from './reading.ts';
import { signalOne } from './signalling.ts';

export class CgroupScope {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  isPopulated(): Reading<boolean> {
    return isPopulated(this.#directory);
  }

  /** Pids in it and below it. */
  members(): Scan<readonly number[]> {
    return membersOf(this.#directory);
  }

  kill(): void {
    if (killCgroup(this.#directory)) {
      // The kernel skips a process whose first thread has ended while others run.
      for (const record of this.#records()) {
        if (record.state === 'Z') signalOne(record, 'SIGKILL');
      }
      return;
    }
    // Before Linux 5.14: frozen, so that nothing forks between the list and the signals.
    freezeCgroup(this.#directory, true);
    for (const record of this.#records()) signalOne(record, 'SIGKILL');
    freezeCgroup(this.#directory, false);
  }

  /** Returns those `records` that cannot be killed with the cgroup. */
  beyondKill(records: readonly ProcessRecord[]): readonly ProcessRecord[] {
    if (records.length === 0 || !canKillCgroup(this.#directory)) return records;
    const members = new Set(this.members().found);
    return records.filter(({ pid }) => !members.has(pid));
  }

  /** Returns those `records` that are certainly in another cgroup. */
  outside(records: readonly ProcessRecord[]): readonly ProcessRecord[] {
    const members = this.members();
    if (members.gap !== null) return [];
    const inside = new Set(members.found);
    return records.filter(({ pid }) => !inside.has(pid) && isOutside(pid, this.#directory));
  }

  remove(): void {
    removeCgroup(this.#directory);
  }

  #records(): readonly ProcessRecord[] {
    return this.members().found.flatMap((pid) => {
      const reading = readProcess(pid);
      return reading.known && reading.value !== null ? [reading.value] : [];
    });
  }
}
