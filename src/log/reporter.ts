/**
 * Logs the machine's transitions: a line for each change of state, and on a terminal one live line
 * while lockex waits for the lock. Has no effect on the machine.
 */
import type { LockexContext, LockexEvent } from '../../machines/contract.ts';
import type { Output } from '../../machines/outcome.ts';
import type { Clock } from '../util/clock.ts';
import { duration } from '../util/duration.ts';
import { messageForMissingRecord, messageForQueue, messagesForEvent } from './event-messages.ts';
import type { Line } from './line.ts';
import type { Log } from './log.ts';
import { messageForLoss, messageForOutput } from './outcome-messages.ts';
import { messageForState } from './state-messages.ts';

const LIVE_EVERY_MS = 1000;
const RECORDING = 'cleanup.recording';

export class Reporter {
  readonly #log: Log;
  readonly #clock: Clock;
  #state = '';
  #context: LockexContext | null = null;
  #waitingSince = 0;
  #liveTimer: unknown = null;

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Called after every transition; `event` is null for the first state. */
  observe(
    { state, context }: { readonly state: string; readonly context: LockexContext },
    event: LockexEvent | null,
  ): void {
    const [top = ''] = state.split('.');
    const [before = ''] = this.#state.split('.');
    const entered = top !== before || (top === 'connecting' && isAnotherTry(event));
    if (top === 'waiting' && before === 'connecting') this.#waitingSince = this.#clock.now();
    // First: the live line must be gone before the command prints.
    if (top !== 'waiting') this.#endLive();
    const isRecordMissing = isCutShort(this.#state, state, event);
    this.#state = state;
    this.#context = context;

    const lines = event === null ? [] : messagesForEvent(event, context);
    if (isRecordMissing) {
      const reason = event?.type === 'session.lost' ? messageForLoss(event.loss) : 'interrupted';
      this.#write({ level: 'warn', message: messageForMissingRecord(reason) });
    }
    if (!this.#isShownLive(event, top)) for (const line of lines) this.#write(line);
    if (entered && top !== 'done') {
      this.#write(messageForState(state, context, event, this.#clock.now()));
    } else if (event !== null && !entered) {
      this.#write({ level: 'debug', message: `${state}: ${event.type}` });
    }
    if (top === 'waiting' && context.queue !== null && event?.type === 'lock.queued') {
      this.#beginLive();
    }
  }

  /** The last line. */
  conclude(output: Output): void {
    this.#endLive();
    this.#write(messageForOutput(output));
  }

  dispose(): void {
    this.#endLive();
  }

  /** True for a position in the queue that the live line shows, or that is out of date. */
  #isShownLive(event: LockexEvent | null, top: string): boolean {
    return event?.type === 'lock.queued' && (this.#liveTimer !== null || top !== 'waiting');
  }

  #write({ level, message, fields }: Line): void {
    this.#log.write(level, message, { state: this.#state, ...fields });
  }

  #beginLive(): void {
    // Changes are shown at the next tick: a busy queue changes often.
    if (!this.#log.isLive || this.#liveTimer !== null) return;
    const tick = () => {
      this.#showLive();
      this.#liveTimer = this.#clock.setTimeout(tick, LIVE_EVERY_MS);
    };
    tick();
  }

  #showLive(): void {
    const queue = this.#context?.queue;
    if (!queue) return;
    const waitedMs = this.#clock.now() - this.#waitingSince;
    // Whole seconds: the line is redrawn once a second.
    const waited = duration(Math.floor(waitedMs / 1000) * 1000);
    this.#log.live(`  waiting for ${waited}: ${messageForQueue(queue)}`);
  }

  #endLive(): void {
    if (this.#liveTimer === null) return;
    this.#clock.clearTimeout(this.#liveTimer);
    this.#liveTimer = null;
    this.#log.live(null);
  }
}

/** True if recording ended without an answer. */
function isCutShort(before: string, after: string, event: LockexEvent | null): boolean {
  return before === RECORDING && after !== RECORDING && event?.type !== 'run.recorded';
}

/** True if the state `connecting` is entered again. */
function isAnotherTry(event: LockexEvent | null): boolean {
  return event?.type === 'session.unreachable';
}
