/**
 * The ZooKeeper actor: executes the machine's commands and reports events. It has at most one
 * attempt at a time, and drops the events of older ones. It decides nothing about the command and
 * never signals a process.
 */
import type { ZookeeperCommand, ZookeeperEvent } from '../../machines/contract.ts';
import { Attempt } from './attempt.ts';
import type { AttemptOptions } from './attempt-parts.ts';
import { PacedTries } from './back-off.ts';
import { runInBackground } from './background-task.ts';
import type { Release } from './final-changes.ts';

export type ContenderOptions = AttemptOptions;

const NOTHING_TO_RELEASE: Release = { confirmed: true, message: 'nothing to release' };

export class Contender {
  readonly #options: ContenderOptions;
  #attempt: Attempt | null = null;
  /** Paces attempts: after a session that ended soon, the next one is delayed. */
  readonly #tries: PacedTries;

  constructor(options: ContenderOptions) {
    this.#options = options;
    const { clock, connectTimeoutMs, random } = options;
    this.#tries = new PacedTries({ clock, random, sessionTimeoutMs: () => connectTimeoutMs });
  }

  send(command: ZookeeperCommand): void {
    switch (command.type) {
      case 'session.connect':
        return runInBackground(this.#connect());
      case 'lock.join':
        return this.#attempt?.join(command.blocking);
      case 'lock.confirm':
        return this.#attempt?.confirm();
      case 'run.record':
        return this.#record();
      case 'lock.release':
        return runInBackground(this.#release());
      case 'session.abandon':
        return this.#abandon();
      case 'session.close':
        return runInBackground(this.#close());
    }
  }

  /** Last resort: stops everything in this process, and sends nothing to the server. */
  dispose(): void {
    this.#abandon();
  }

  /** Session id and password, for the reaper only: must never be logged; null without a session. */
  credentials(): { readonly id: Buffer; readonly password: Buffer } | null {
    return this.#attempt?.credentials() ?? null;
  }

  async #connect(): Promise<void> {
    // After a loss, the old session and our node may still exist. The command is dead.
    void this.#takeAttempt()?.close();
    const pause = this.#tries.next();
    if (pause !== null && !(await pause)) return;
    const attempt: Attempt = Attempt.start({
      ...this.#options,
      // The only place where the events of an older attempt are dropped.
      emit: (event) => {
        if (attempt === this.#attempt) this.#emit(event);
      },
    });
    this.#attempt = attempt;
  }

  #record(): void {
    const { runRecord } = this.#options;
    if (this.#attempt !== null && runRecord !== null) return this.#attempt.record(runRecord);
    this.#emit({ type: 'run.recorded', confirmed: false, message: 'no session' });
  }

  async #release(): Promise<void> {
    const released = (await this.#attempt?.release()) ?? NOTHING_TO_RELEASE;
    this.#emit({ type: 'lock.released', ...released });
  }

  async #close(): Promise<void> {
    this.#tries.cancel();
    const clean = (await this.#takeAttempt()?.close()) ?? true;
    this.#emit({ type: 'session.closed', clean });
  }

  #abandon(): void {
    this.#tries.cancel();
    this.#takeAttempt()?.abandon();
  }

  /** Returns the attempt and removes it: its events are dropped from now on. */
  #takeAttempt(): Attempt | null {
    const attempt = this.#attempt;
    this.#attempt = null;
    return attempt;
  }

  #emit(event: ZookeeperEvent): void {
    this.#options.emit(event);
  }
}
