/**
 * Warnings about processes of the command that left its cgroup or cannot be signalled, each logged
 * once. Decides nothing.
 */
import type { LogFunction } from '../../util/log-level.ts';
import { label, type ProcessRecord, readUser } from './process-table.ts';
import { readText, valueOr } from './reading.ts';

export class EscapeWarnings {
  readonly #log: LogFunction;
  readonly #users = new Set<number | null>();
  #wasOutside = false;

  constructor(log: LogFunction) {
    this.#log = log;
  }

  /** Processes that were moved out of the command's cgroup. */
  outside([record]: readonly ProcessRecord[]): void {
    if (record === undefined || this.#wasOutside) return;
    this.#wasOutside = true;
    const message =
      `${label(record)} of the command is outside its cgroup (systemd-logind moves the sessions ` +
      'of su - and runuser -l): lockex tracks it by its ancestry and marks';
    this.#log('warn', message);
  }

  /** Processes that lockex has no permission to signal. */
  foreign(records: readonly ProcessRecord[]): void {
    for (const record of records) {
      const uid = valueOr(readUser(record.pid), null);
      if (this.#users.has(uid)) continue;
      this.#users.add(uid);
      const message =
        `the command runs ${label(record)} as ${nameOf(uid)}; lockex cannot signal it, and it ` +
        'may keep running if the lock is lost. ' +
        'Run "sudo lockex -- job" instead of "lockex -- sudo job"';
      this.#log('warn', message);
    }
  }
}

function nameOf(uid: number | null): string {
  if (uid === null) return 'another user';
  const lines = (valueOr(readText('/etc/passwd'), null) ?? '').split('\n');
  const fields = lines.map((line) => line.split(':')).find((line) => line[2] === String(uid));
  return fields?.[0] ?? `user ${uid}`;
}
