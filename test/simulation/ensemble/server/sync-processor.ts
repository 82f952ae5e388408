/**
 * Writes transactions to disk and calls back when they are safe there (`SyncRequestProcessor`).
 * Transactions that arrive during an fsync share the next one.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { Transaction } from '../tree/transaction.ts';
import type { Disk } from './disk.ts';

export interface SyncProcessorOptions {
  readonly process: SimulatedProcess;
  readonly disk: Disk;
  readonly onSynced: (transaction: Transaction) => void;
}

export class SyncProcessor {
  readonly #options: SyncProcessorOptions;
  #queued: Transaction[] = [];
  #writing: Transaction[] = [];
  #isStopped = false;

  constructor(options: SyncProcessorOptions) {
    this.#options = options;
  }

  process(transaction: Transaction): void {
    this.#queued.push(transaction);
    if (this.#writing.length === 0) this.#write();
  }

  /** Writes the queue, as the server does before it changes its role; no callbacks follow. */
  stop(): void {
    this.#isStopped = true;
    this.#options.disk.append([...this.#writing, ...this.#queued]);
  }

  #write(): void {
    const { process, disk } = this.#options;
    this.#writing = this.#queued;
    this.#queued = [];
    process.post(disk.drawFsyncMs(), () => this.#end());
  }

  #end(): void {
    if (this.#isStopped) return;
    const { process, disk, onSynced } = this.#options;
    const stalledMs = disk.stalledUntil - process.simulation.now;
    if (stalledMs > 0) {
      process.post(stalledMs, () => this.#end());
      return;
    }
    const written = this.#writing;
    this.#writing = [];
    disk.append(written);
    for (const transaction of written) if (!this.#isStopped) onSynced(transaction);
    if (this.#queued.length > 0 && this.#writing.length === 0) this.#write();
  }
}
