/**
 * Attaches a session to any of its servers: tries them in order, each with all its addresses,
 * within time limits, until one accepts the session.
 */
import type { EventEmitter } from 'node:events';
import type { Host } from '../../settings/access.ts';
import type { Clock } from '../../util/clock.ts';
import type { LogFunction } from '../../util/log-level.ts';
import { pauseMs, sleep } from '../back-off.ts';
import { randomFraction } from '../defaults.ts';
import { type Lookup, otherWaysTo } from './addresses.ts';
import { attemptMs, MIN_ATTEMPT_MS } from './attach-bounds.ts';
import type { EndReason } from './connection.ts';
import { HostFailures } from './host-failures.ts';
import { HostRotation } from './host-rotation.ts';
import type { SessionEvents } from './session-options.ts';

export interface AttacherOptions {
  readonly hosts: readonly Host[];
  readonly clock: Clock;
  readonly log: LogFunction;
  readonly random?: (() => number) | undefined;
  readonly lookup?: Lookup | undefined;
  /** T; milliseconds. */
  readonly sessionTimeoutMs: () => number;
  /** Makes one connection and one handshake; resolves to null if attached, else to the reason. */
  readonly attachTo: (server: Host, deadlineMs: number) => Promise<EndReason | null>;
  /** Called after each failed server while re-attaching: may end the session. */
  readonly endIfSilent: () => void;
  /** True once the session is over: nothing more is tried. */
  readonly isOver: () => boolean;
}

export class Attacher {
  readonly #options: AttacherOptions;
  readonly #hosts: HostRotation;
  readonly #random: () => number;

  constructor(options: AttacherOptions) {
    const { hosts, random = randomFraction } = options;
    this.#options = options;
    this.#random = random;
    this.#hosts = new HostRotation(hosts, random);
  }

  /** The next round begins after this server (`host:port`); null: no change. */
  avoid(server: string | null): void {
    this.#hosts.avoid(server);
  }

  /**
   * Creates a session, by this time at the latest. False: no server accepted it; see `failures`.
   */
  create(until: number, failures: HostFailures): Promise<boolean> {
    return this.#attach(until, failures);
  }

  /** Re-attaches an existing session, until a server accepts it or it is over. */
  async reattach(): Promise<void> {
    await this.#attach(null, new HostFailures());
  }

  async #attach(until: number | null, failures: HostFailures): Promise<boolean> {
    const { log, endIfSilent, isOver } = this.#options;
    let slowRounds = 0;
    for (let round = 0; !isOver(); round += 1) {
      let isRefused = true;
      let isLate = false;
      for (const host of this.#hosts.round()) {
        if (this.#leftMs(until) < MIN_ATTEMPT_MS) return false;
        const failure = await this.#attachToAny(host, until, slowRounds, failures);
        if (failure === null) return true;
        if (isOver()) return false;
        failures.add(host, failure);
        isRefused &&= failure.kind === 'refused';
        isLate ||= failure.kind === 'late';
        if (until === null) endIfSilent();
        if (isOver()) return false;
      }
      if (isLate) slowRounds += 1;
      // An existing session is kept: the setting may still be corrected.
      if (isRefused && until !== null) return false;
      log(round === 0 && until !== null ? 'info' : 'debug', `no server reached yet (${failures})`);
      // Leaves time for one more attempt after the pause.
      const pauseBoundMs = this.#leftMs(until) - MIN_ATTEMPT_MS;
      if (pauseBoundMs < MIN_ATTEMPT_MS) return false;
      await this.#pause(round, pauseBoundMs);
    }
    return false;
  }

  /** Tries the server by its name; if that fails, at each of its addresses. */
  async #attachToAny(
    server: Host,
    until: number | null,
    slowRounds: number,
    failures: HostFailures,
  ): Promise<EndReason | null> {
    const { clock, lookup, hosts, attachTo, isOver, sessionTimeoutMs } = this.#options;
    const share = { hosts: hosts.length, timeoutMs: sessionTimeoutMs(), slowRounds };
    const deadline = () => Math.min(this.#leftMs(until), attemptMs(share));
    const isTooLate = () => isOver() || this.#leftMs(until) < MIN_ATTEMPT_MS;
    const failure = await attachTo(server, deadline());
    if (failure === null || isTooLate()) return failure;
    for (const way of await otherWaysTo(server, { clock, lookup, boundMs: deadline() })) {
      if (isTooLate()) break;
      const another = await attachTo(way, deadline());
      if (another === null) return null;
      failures.add(server, another);
    }
    return failure;
  }

  /** Milliseconds; negative when the time is over. */
  #leftMs(until: number | null): number {
    return (until ?? Number.POSITIVE_INFINITY) - this.#options.clock.now();
  }

  async #pause(round: number, boundMs: number): Promise<void> {
    const { clock, sessionTimeoutMs } = this.#options;
    const ms = pauseMs(round, sessionTimeoutMs(), this.#random());
    await sleep(clock, Math.min(ms, boundMs));
  }
}

/** True at the session's next `attached`; false after `boundMs`, or when the session is over. */
export function nextAttachment(
  session: EventEmitter<SessionEvents>,
  clock: Clock,
  boundMs: number,
): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    const settle = (isAttached: boolean) => {
      clock.clearTimeout(timer);
      session.off('attached', onAttached);
      session.off('expired', onOver);
      session.off('abandoned', onOver);
      resolve(isAttached);
    };
    const onAttached = () => settle(true);
    const onOver = () => settle(false);
    const timer = clock.setTimeout(onOver, boundMs);
    session.on('attached', onAttached);
    session.on('expired', onOver);
    session.on('abandoned', onOver);
  });
}
