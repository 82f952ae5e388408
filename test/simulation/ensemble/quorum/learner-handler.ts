/**
 * A learner's connection at its leader or ObserverMaster (`LearnerHandler`). Packets to it
 * keep their order; the answer to a REVALIDATE waits in the same stream as proposals, commits and
 * pings.
 */
import type { SimulatedProcess } from '../../kernel/process.ts';
import type { Endpoint } from '../../network/connection.ts';
import type { EnsembleConfig } from '../config.ts';
import type { QuorumPacket } from './packets.ts';
import { Watchdog } from './watchdog.ts';

export interface HandlerEvents {
  onPacket(handler: LearnerHandler, packet: QuorumPacket): void;
  onGone(handler: LearnerHandler): void;
}

export interface HandlerOptions {
  readonly process: SimulatedProcess;
  readonly config: EnsembleConfig;
  readonly endpoint: Endpoint<QuorumPacket>;
  readonly events: HandlerEvents;
}

/** `none`: nothing was sent that waits for an acknowledgement (`SyncLimitCheck`). */
interface Unacknowledged {
  readonly zxid: number;
  readonly sentAt: number;
}

export class LearnerHandler {
  /** -1 before its first packet. */
  id = -1;
  /** `startForwarding` was called: proposals, commits and pings are sent to it. */
  isForwarded = false;
  tickOfNextAckDeadline: number;
  readonly #options: HandlerOptions;
  readonly #watchdog: Watchdog;
  readonly #unacknowledged: Unacknowledged[] = [];
  #isOpen = true;

  constructor(options: HandlerOptions, tickOfAckDeadline: number) {
    this.#options = options;
    this.tickOfNextAckDeadline = tickOfAckDeadline;
    const { config, process, endpoint } = options;
    this.#watchdog = new Watchdog(process, config.tickMs * config.initLimit, () => this.close());
    endpoint.listen({
      onItem: (packet) => {
        this.#watchdog.heard();
        options.events.onPacket(this, packet);
      },
      onClosed: () => this.#gone(),
    });
  }

  get isObserver(): boolean {
    return this.#options.config.observers.includes(this.id);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(packet: QuorumPacket): void {
    if (packet.type === 'proposal') {
      const { zxid } = packet.transaction.header;
      this.#unacknowledged.push({ zxid, sentAt: this.#options.process.simulation.now });
    }
    this.#options.endpoint.send(packet);
  }

  /** It acknowledged NEWLEADER: from now on it has to be heard from within `syncLimit`. */
  synchronized(): void {
    const { tickMs, syncLimit } = this.#options.config;
    this.#watchdog.setBound(tickMs * syncLimit);
  }

  acknowledged(zxid: number): void {
    while ((this.#unacknowledged[0]?.zxid ?? Number.POSITIVE_INFINITY) <= zxid) {
      this.#unacknowledged.shift();
    }
  }

  /** Closes the connection where a proposal was not acknowledged within `syncLimit`. */
  ping(): void {
    const { config, process } = this.#options;
    const oldest = this.#unacknowledged[0];
    const boundMs = config.tickMs * config.syncLimit;
    if (oldest !== undefined && process.simulation.now - oldest.sentAt >= boundMs) {
      return this.close();
    }
    this.send({ type: 'ping' });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#options.endpoint.close();
    this.#gone();
  }

  #gone(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watchdog.stop();
    this.#options.events.onGone(this);
  }
}
