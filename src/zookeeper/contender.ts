/**
 * The ZooKeeper actor: obeys the machine's commands and reports what happened. It holds at most one
 * attempt at a time, and drops the events of an older one. It decides nothing about the command and
 * never touches a process.
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
  /** Paces attempts: sessions that soon end are not followed by others without a pause. */
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

  /** Last resort: leaves nothing running in this process, and sends nothing to the server. */
  dispose(): void {
    this.#abandon();
  }

  /** Session id and password, for the reaper only: never to be logged; null without a session. */
  credentials(): { readonly id: Buffer; readonly password: Buffer } | null {
    return this.#attempt?.credentials() ?? null;
  }

  async #connect(): Promise<void> {
    // After a loss the old session may still exist, with our node in it. Its command is dead.
    void this.#takeAttempt()?.close();
    const pause = this.#tries.next();
    if (pause !== null && !(await pause)) return;
    const attempt: Attempt = Attempt.start({
      ...this.#options,
      // The one place where the events of an older attempt are dropped.
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

  /** The attempt, whose events are dropped from now on. */
  #takeAttempt(): Attempt | null {
    const attempt = this.#attempt;
    this.#attempt = null;
    return attempt;
  }

  #emit(event: ZookeeperEvent): void {
    this.#options.emit(event);
  }
}
