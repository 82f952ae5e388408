/**
 * Makes faults in rounds, one or two at once, and heals each one. It decides nothing but which
 * contender holds a lock at the moment; all else is drawn before (fault.ts).
 *
 * It never makes two faults of one kind at once. Two of them on one contender's processes, its guard
 * stopped and lockex killed, would be a fault of everything that there is to kill the command.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../../scripts/servers/zookeeper.ts';
import type { Random } from '../support/random.ts';
import { eventually } from '../support/until.ts';
import type { Cluster } from './cluster.ts';
import type { Contender } from './contender.ts';
import {
  type FaultRecord,
  type MadeFault,
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
  /** Ends the rest of the faults early; what is made is healed. */
  readonly signal: AbortSignal;
}

/** Where a holder is to be struck, and there is none yet. */
const HOLDER_WITHIN_MS = 3000;

export class Nemesis {
  readonly records: FaultRecord[] = [];
  /** Faults that were planned, and whose target was not there. */
  missed = 0;
  readonly #options: NemesisOptions;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  async rage(durationMs: number): Promise<void> {
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
    const made = faults.map(async (fault, index) => {
      if (index > 0) delayMs += fault.delayMs;
      await this.#pause(delayMs);
      return await this.#makeAndHeal(fault);
    });
    // All are healed before the failure of one is reported.
    const results = await Promise.allSettled(made);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
    await this.#options.cluster.serves();
    // An outage lasts until the members serve again.
    for (const [index, result] of results.entries()) {
      const on = faults[index]?.on;
      if (result.status !== 'fulfilled' || result.value === undefined) continue;
      if (on === 'members' || on === 'links') result.value.healedAt = nowUs();
    }
  }

  async #makeAndHeal(fault: PlannedFault): Promise<FaultRecord | undefined> {
    const madeAt = nowUs();
    const made = await this.#make(fault);
    if (made === undefined) {
      this.missed++;
      return undefined;
    }
    const { target } = made;
    const record: FaultRecord = { kind: fault.kind, target, madeAt, healedAt: undefined };
    this.records.push(record);
    const lastsMs = MOMENTARY.includes(fault.kind) ? 0 : fault.durationMs;
    const lasting = lastsMs === 0 ? '' : `, ${(lastsMs / 1000).toFixed(1)} s`;
    this.#options.log(`${fault.kind}: ${target}${lasting}`);
    try {
      if (made.phases) await made.phases((ms) => this.#pause(ms));
      else await this.#pause(lastsMs);
    } finally {
      await made.heal();
    }
    record.healedAt = nowUs();
    return record;
  }

  async #make(fault: PlannedFault): Promise<MadeFault | undefined> {
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

  /** Where it is connected. */
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
    if (chosen === undefined) throw new Error('there are no contenders');
    return chosen;
  }

  async #pause(ms: number): Promise<void> {
    // Ended early is no failure.
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => {});
  }
}
