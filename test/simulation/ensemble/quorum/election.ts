/**
 * Elects a leader (`FastLeaderElection`): the member with the newest history among a quorum, and of
 * equal ones the one with the greatest id. Votes travel by links of their own.
 */
import type { ScheduledEvent } from '../../kernel/event-queue.ts';
import type { SimulatedProcess } from '../../kernel/process.ts';
import { type EnsembleConfig, isQuorum } from '../config.ts';
import type { Notification, PeerState, Vote } from './packets.ts';

export interface ElectionOptions {
  readonly process: SimulatedProcess;
  readonly id: number;
  readonly config: EnsembleConfig;
  /** The own vote; observers propose one that loses against any other. */
  readonly initial: Omit<Vote, 'electionEpoch'>;
  /** The clock of elections, over all of them (`logicalclock`). */
  readonly epoch: number;
  readonly send: (to: number, notification: Notification) => void;
  readonly onElected: (vote: Vote) => void;
}

/** Milliseconds: `finalizeWait`, `minNotificationInterval`, `maxNotificationInterval`. */
const FINALIZE_MS = 200;
const MIN_INTERVAL_MS = 200;
const MAX_INTERVAL_MS = 60_000;

type Heard = Vote & { readonly state: PeerState };

export class Election {
  readonly #options: ElectionOptions;
  #epoch: number;
  #proposed: Omit<Vote, 'electionEpoch'>;
  readonly #votes = new Map<number, Heard>();
  readonly #outOfElection = new Map<number, Heard>();
  #intervalMs = MIN_INTERVAL_MS;
  #resend: ScheduledEvent | null = null;
  #finalize: ScheduledEvent | null = null;
  #isOver = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#epoch = options.epoch + 1;
    this.#proposed = options.initial;
    this.#sendAll();
    this.#scheduleResend();
  }

  get epoch(): number {
    return this.#epoch;
  }

  get vote(): Vote {
    return { ...this.#proposed, electionEpoch: this.#epoch };
  }

  stop(): void {
    this.#isOver = true;
    const { simulation } = this.#options.process;
    for (const event of [this.#resend, this.#finalize]) if (event) simulation.cancel(event);
  }

  receive(notification: Notification): void {
    if (this.#isOver) return;
    switch (notification.state) {
      case 'looking':
        return this.#onLooking(notification);
      case 'following':
      case 'leading':
        return this.#onDecided(notification);
      case 'observing':
        return;
    }
  }

  #onLooking(notification: Notification): void {
    const { id, config, initial, send } = this.#options;
    const { from, electionEpoch } = notification;
    if (electionEpoch > this.#epoch) {
      this.#epoch = electionEpoch;
      this.#votes.clear();
      this.#propose(isBetter(notification, initial) ? notification : initial);
    } else if (electionEpoch < this.#epoch) {
      // `WorkerReceiver`: the sender learns of the newer election.
      return send(from, { ...this.vote, from: id, state: 'looking' });
    } else if (isBetter(notification, this.#proposed)) {
      this.#propose(notification);
    }
    // Observers have no vote (`validVoter`).
    if (!config.participants.includes(from)) return;
    this.#votes.set(from, notification);
    this.#count();
  }

  /** Decided when a quorum agrees, and no better vote comes for a while. */
  #count(): void {
    const { process } = this.#options;
    if (!this.#hasQuorum(this.#votes, { ...this.vote, state: 'looking' })) return;
    this.#finalize ??= process.post(FINALIZE_MS, () => {
      this.#finalize = null;
      this.#decide(this.vote);
    });
  }

  /** A member that follows or leads: its vote counts where a quorum and the leader itself agree. */
  #onDecided(notification: Notification): void {
    const { from, leader, electionEpoch } = notification;
    if (electionEpoch === this.#epoch) {
      this.#votes.set(from, notification);
      if (this.#hasQuorum(this.#votes, notification) && this.#isLeading(this.#votes, leader)) {
        return this.#decide(notification);
      }
    }
    this.#outOfElection.set(from, notification);
    const others = this.#outOfElection;
    if (!this.#hasQuorum(others, notification) || !this.#isLeading(others, leader)) return;
    this.#epoch = electionEpoch;
    this.#decide(notification);
  }

  /** `checkLeader` */
  #isLeading(votes: ReadonlyMap<number, Heard>, leader: number): boolean {
    return leader !== this.#options.id && votes.get(leader)?.state === 'leading';
  }

  #decide({ leader, zxid, electionEpoch, peerEpoch }: Vote): void {
    this.stop();
    this.#options.onElected({ leader, zxid, electionEpoch, peerEpoch });
  }

  #propose({ leader, zxid, peerEpoch }: Omit<Vote, 'electionEpoch'>): void {
    this.#proposed = { leader, zxid, peerEpoch };
    if (this.#finalize !== null) this.#options.process.simulation.cancel(this.#finalize);
    this.#finalize = null;
    this.#sendAll();
  }

  #sendAll(): void {
    const { id, config, send } = this.#options;
    for (const to of config.participants) send(to, { ...this.vote, from: id, state: 'looking' });
  }

  #scheduleResend(): void {
    this.#resend = this.#options.process.post(this.#intervalMs, () => {
      this.#intervalMs = Math.min(2 * this.#intervalMs, MAX_INTERVAL_MS);
      this.#sendAll();
      this.#scheduleResend();
    });
  }

  #hasQuorum(votes: ReadonlyMap<number, Heard>, vote: Heard): boolean {
    const same = [...votes].filter(([, each]) => isSame(each, vote)).map(([from]) => from);
    return isQuorum(this.#options.config, new Set(same));
  }
}

/** `totalOrderPredicate` */
function isBetter(one: Omit<Vote, 'electionEpoch'>, other: Omit<Vote, 'electionEpoch'>): boolean {
  if (one.peerEpoch !== other.peerEpoch) return one.peerEpoch > other.peerEpoch;
  if (one.zxid !== other.zxid) return one.zxid > other.zxid;
  return one.leader > other.leader;
}

/** `Vote.equals` */
function isSame(one: Heard, other: Heard): boolean {
  if (one.leader !== other.leader || one.peerEpoch !== other.peerEpoch) return false;
  if (one.state !== 'looking' && other.state !== 'looking') return true;
  return one.zxid === other.zxid && one.electionEpoch === other.electionEpoch;
}
