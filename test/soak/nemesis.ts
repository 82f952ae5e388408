/**
 * Injects faults in rounds, one or two at a time, and heals each. All decisions are drawn in
 * advance (fault.ts), except which contender currently holds a lock.
 *
 * It never injects two faults into the same place at once: with its guard stopped and its lockex
 * killed, a contender would have no process left that could kill the command.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../../scripts/servers/zookeeper.ts';
import type { Random } from '../support/random.ts';
import { eventually } from '../support/until.ts';
import type { Cluster } from './cluster.ts';
import type { Contender } from './contender.ts';
import {
  type FaultRecord,
  type InjectedFault,
  MOMENTARY,
  type PlannedFault,
  planRound,
  type Round,
} from './fault.ts';
import { onNetwork, onProcess } from './fault-on-contender.ts';
import { onLinks } from './fault-on-links.ts';
import { onMembers } from './fault-on-members.ts';
import type { SoakLock } from './soak-lock.ts';
import { nowUs } from './time.ts';

export interface NemesisOptions {
  readonly cluster: Cluster;
  readonly contenders: readonly Contender[];
  readonly random: Random;
  readonly locks: readonly SoakLock[];
  readonly log: (text: string) => void;
  /** Skips the remaining faults; the current ones are healed. */
  readonly signal: AbortSignal;
}

/** How long to wait for a holder, if the fault is to affect one. */
const HOLDER_WITHIN_MS = 3000;

export class Nemesis {
  readonly records: FaultRecord[] = [];
  /** Planned faults without a target. */
  missed = 0;
  readonly #options: NemesisOptions;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  async run(durationMs: number): Promise<void> {
    const { random, contenders, signal } = this.#options;
    const deadline = performance.now() + durationMs;
    while (performance.now() < deadline && !signal.aborted) {
      const round = planRound(random, contenders.length);
      await this.#play(round);
      await this.#pause(round.pauseMs);
    }
  }

  async #play({ faults }: Round): Promise<void> {
    let delayMs = 0;
    const injected = faults.map(async (fault, index) => {
      if (index > 0) delayMs += fault.delayMs;
      await this.#pause(delayMs);
      return await this.#injectAndHeal(fault);
    });
    // All faults are healed before the failure of one is reported.
    const results = await Promise.allSettled(injected);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
    await this.#options.cluster.untilServing();
    // An outage lasts until the members serve again.
    for (const [index, result] of results.entries()) {
      const on = faults[index]?.on;
      if (result.status !== 'fulfilled' || result.value === undefined) continue;
      if (on === 'members' || on === 'links') result.value.healedAt = nowUs();
    }
  }

  async #injectAndHeal(fault: PlannedFault): Promise<FaultRecord | undefined> {
    const madeAt = nowUs();
    const injected = await this.#inject(fault);
    if (injected === undefined) {
      this.missed++;
      return undefined;
    }
    const { target } = injected;
    const record: FaultRecord = { kind: fault.kind, target, madeAt, healedAt: undefined };
    this.records.push(record);
    const lastsMs = MOMENTARY.includes(fault.kind) ? 0 : fault.durationMs;
    const lasting = lastsMs === 0 ? '' : `, ${(lastsMs / 1000).toFixed(1)} s`;
    this.#options.log(`${fault.kind}: ${target}${lasting}`);
    try {
      if (injected.phases) await injected.phases((ms) => this.#pause(ms));
      else await this.#pause(lastsMs);
    } finally {
      await injected.heal();
    }
    record.healedAt = nowUs();
    return record;
  }

  async #inject(fault: PlannedFault): Promise<InjectedFault | undefined> {
    const { cluster } = this.#options;
    if (fault.on === 'members') return await onMembers(fault.kind, cluster, fault.draw);
    const contender = await this.#target(fault.holder, fault.target);
    switch (fault.on) {
      case 'process':
        return onProcess(fault.kind, contender);
      case 'network':
        return await onNetwork(fault.kind, contender, fault.slowByMs);
      case 'links':
        return await onLinks(fault, { cluster, contender, member: this.#memberOf(contender) });
    }
  }

  /** The member that it is connected to. */
  #memberOf({ proxies }: Contender): Server | undefined {
    const { cluster } = this.#options;
    return cluster.members.find((_, index) => (proxies[index]?.connections() ?? 0) > 0);
  }

  async #target(holder: boolean, draw: number): Promise<Contender> {
    const { contenders, locks } = this.#options;
    const lock = locks[draw % locks.length];
    if (holder && lock) {
      await eventually(() => lock.holder() !== undefined, HOLDER_WITHIN_MS);
      const name = lock.holder();
      const found = contenders.find((contender) => contender.name === name);
      if (found) return found;
    }
    const chosen = contenders[draw % contenders.length];
    if (chosen === undefined) throw new Error('no contenders');
    return chosen;
  }

  async #pause(ms: number): Promise<void> {
    // Rejects when the signal skips the rest, which is not a failure.
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => {});
  }
}
