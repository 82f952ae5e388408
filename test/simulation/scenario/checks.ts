/**
 * What must never happen in a simulation, checked whenever a command begins or ends: the record of
 * all executions, as an observer outside of all hosts would see them.
 */
import type { Execution } from '../contender/execution.ts';
import type { Simulation } from '../kernel/simulation.ts';

export type LockKind = 'exclusive' | 'semaphore' | 'shared';

export interface Rules {
  /** Commands at once: 1 for a lock; without a meaning for shared locks. */
  readonly permits: number;
  readonly isShared: (execution: Execution) => boolean;
}

/** Woken hosts: the guard of a host that slept kills when it is scheduled again; milliseconds. */
const AFTER_WAKING_MS = 1500;
/** A kill is finished before the end of the lease; the clock has steps of 10 ms. */
const CLOCK_STEP_MS = 10;

export class Checks {
  readonly violations: string[] = [];
  /** As it was at the first violation. */
  trace: readonly string[] = [];
  grants = 0;
  /** The least that was left of a lease when a command had ended; milliseconds of the host. */
  leastLeftMs = Number.POSITIVE_INFINITY;
  readonly #simulation: Simulation;
  readonly #rules: Rules;
  readonly #running = new Set<Execution>();
  #lastToken = 0n;
  #lastExclusiveToken = 0n;
  /** When a host was last awake again after a sleep. */
  readonly #wokenAt = new Map<Execution['host'], number>();

  constructor(simulation: Simulation, rules: Rules) {
    this.#simulation = simulation;
    this.#rules = rules;
  }

  violate(message: string): void {
    if (this.violations.length === 0) this.trace = [...this.#simulation.trace.lines];
    this.violations.push(`${this.#simulation.now.toFixed(1)} ms: ${message}`);
  }

  woken(host: Execution['host']): void {
    this.#wokenAt.set(host, this.#simulation.now);
  }

  begun(execution: Execution): void {
    this.grants += 1;
    this.#note('begins', execution);
    const isShared = this.#rules.isShared(execution);
    const { token, lease, host } = execution;
    if (host.uptime() >= lease.leaseEnd) this.violate(`${host.name} begins after its lease`);
    const last = isShared ? this.#lastExclusiveToken : this.#lastToken;
    if (this.#rules.permits === 1 && token <= last) {
      this.violate(`${host.name} begins with the token ${token}, not above ${last}`);
    }
    if (token > this.#lastToken) this.#lastToken = token;
    if (!isShared && token > this.#lastExclusiveToken) this.#lastExclusiveToken = token;
    this.#running.add(execution);
    this.#checkTogether();
  }

  ended(execution: Execution): void {
    this.#note('ends', execution);
    this.#running.delete(execution);
    const { host, latestEnd } = execution;
    if (this.#isExcused(execution)) return;
    const left = latestEnd - host.uptime();
    this.leastLeftMs = Math.min(this.leastLeftMs, left);
    if (left < -CLOCK_STEP_MS) {
      this.violate(`${host.name} ended ${(-left).toFixed(0)} ms after its lease`);
    }
  }

  #checkTogether(): void {
    const running = [...this.#running].filter((execution) => !this.#isExcused(execution));
    const exclusive = running.filter((execution) => !this.#rules.isShared(execution));
    const isMixed = exclusive.length > 0 && running.length > exclusive.length;
    if (exclusive.length <= this.#rules.permits && !isMixed) return;
    const names = running.map(({ host, token }) => `${host.name} (token ${token})`);
    this.violate(`together: ${names.join(', ')}`);
  }

  /**
   * A process on a host that sleeps executes nothing; it is killed as soon as its guard is
   * scheduled (docs/safety.md).
   */
  #isExcused({ host }: Execution): boolean {
    const wokenAt = this.#wokenAt.get(host) ?? Number.NEGATIVE_INFINITY;
    return host.isSuspended || this.#simulation.now - wokenAt < AFTER_WAKING_MS;
  }

  #note(what: string, { host, token }: Execution): void {
    const { trace, now } = this.#simulation;
    trace.note(now, host.name, `command ${what}`, Number(token % 2n ** 31n));
  }
}
