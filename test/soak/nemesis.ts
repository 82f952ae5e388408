/**
 * Makes faults in rounds, one or two at once, and heals each one. It decides nothing but who holds
 * the lock at the moment; all else is drawn before (fault.ts).
 *
 * It never makes two faults of one kind at once. Two of them on one contender's processes, its guard
 * stopped and lockex killed, would be a fault of everything that there is to kill the command.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../../scripts/lib/zookeeper.js';
import type { Random } from '../support/random.ts';
import { eventually } from '../support/until.ts';
import type { Cluster } from './cluster.ts';
import type { Contender } from './contender.ts';
import { type FaultRecord, MOMENTARY, type PlannedFault, planRound, type Round } from './fault.ts';
import { onNetwork, onProcess } from './fault-on-contender.ts';
import { onMembers } from './fault-on-members.ts';
import { nowUs } from './time.ts';

export interface NemesisOptions {
  readonly cluster: Cluster;
  readonly contenders: readonly Contender[];
  readonly random: Random;
  /** Name of the contender whose worker has done something just now. */
  readonly holder: () => string | undefined;
  readonly log: (text: string) => void;
  /** Ends the rest of the faults early; what is made is healed. */
  readonly signal: AbortSignal;
}

/** Somebody is to hold the lock when the holder is to be struck. */
const HOLDER_WITHIN_MS = 3000;

export class Nemesis {
  readonly records: FaultRecord[] = [];
  /** Faults that were planned and found nobody to be made on. */
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
      await this.#makeAndHeal(fault);
    });
    // All are healed before a failure of one is told.
    const results = await Promise.allSettled(made);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }

  async #makeAndHeal(fault: PlannedFault): Promise<void> {
    const madeAt = nowUs();
    const made = await this.#make(fault);
    if (made === undefined) {
      this.missed++;
      return;
    }
    const record: FaultRecord = {
      kind: fault.kind,
      target: made.target,
      madeAt,
      healedAt: undefined,
    };
    this.records.push(record);
    const lastsMs = MOMENTARY.includes(fault.kind) ? 0 : fault.durationMs;
    const lasting = lastsMs === 0 ? '' : `, ${(lastsMs / 1000).toFixed(1)} s`;
    this.#options.log(`${fault.kind}: ${made.target}${lasting}`);
    await this.#pause(lastsMs);
    await made.heal();
    record.healedAt = nowUs();
  }

  async #make(
    fault: PlannedFault,
  ): Promise<{ target: string; heal: () => void | Promise<void> } | undefined> {
    if (fault.on === 'members') {
      const { cluster } = this.#options;
      return await onMembers(fault.kind, cluster, fault.draw, this.#holdersMember());
    }
    const contender = await this.#target(fault.holder, fault.target);
    const heal =
      fault.on === 'process'
        ? onProcess(fault.kind, contender)
        : await onNetwork(fault.kind, contender, fault.slowByMs);
    return heal && { target: contender.name, heal };
  }

  /** Where the holder is connected; undefined when nobody seems to hold the lock. */
  #holdersMember(): Server | undefined {
    const { cluster, contenders, holder } = this.#options;
    const name = holder();
    const proxies = contenders.find((contender) => contender.name === name)?.proxies;
    return cluster.members.find((_, index) => (proxies?.[index]?.connections() ?? 0) > 0);
  }

  async #target(holder: boolean, otherwise: number): Promise<Contender> {
    const { contenders } = this.#options;
    if (holder) {
      await eventually(() => this.#options.holder() !== undefined, HOLDER_WITHIN_MS);
      const name = this.#options.holder();
      const found = contenders.find((contender) => contender.name === name);
      if (found) return found;
    }
    const chosen = contenders[otherwise % contenders.length];
    if (chosen === undefined) throw new Error('there are no contenders');
    return chosen;
  }

  async #pause(ms: number): Promise<void> {
    // Ended early is no failure.
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => {});
  }
}
