/**
 * Tells the log what the machine does: a line for each change of state, and on a terminal one live
 * line while a lock is waited for. Changes nothing.
 */
import type { LockexContext, LockexEvent } from '../../machines/contract.ts';
import type { Output } from '../../machines/outcome.ts';
import type { Clock } from '../util/clock.ts';
import { wordsForEvent, wordsForMissingRecord, wordsForQueue } from './event-messages.ts';
import type { Line } from './line.ts';
import type { Log } from './log.ts';
import { wordsForOutput, wordsForState } from './state-messages.ts';

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
    // Before any other line: it goes as soon as we no longer wait, and before the command prints.
    if (top !== 'waiting') this.#endLive();
    const isRecordMissing = isCutShort(this.#state, state, event);
    this.#state = state;
    this.#context = context;

    const said = event === null ? [] : wordsForEvent(event, context);
    if (isRecordMissing) {
      const reason = event?.type === 'session.lost' ? event.loss.message : 'interrupted';
      this.#say({ level: 'warn', message: wordsForMissingRecord(reason) });
    }
    if (!this.#isShownLive(event, top)) for (const line of said) this.#say(line);
    if (entered && top !== 'done') {
      this.#say(wordsForState(state, context, event, this.#clock.now()));
    } else if (event !== null && !entered) {
      this.#say({ level: 'debug', message: `${state}: ${event.type}` });
    }
    if (top === 'waiting' && context.queue !== null && event?.type === 'lock.queued') {
      this.#beginLive();
    }
  }

  /** The last line. */
  conclude(output: Output): void {
    this.#endLive();
    this.#say(wordsForOutput(output));
  }

  dispose(): void {
    this.#endLive();
  }

  /** A place in the queue that the live line shows, or that nobody waits at any more. */
  #isShownLive(event: LockexEvent | null, top: string): boolean {
    return event?.type === 'lock.queued' && (this.#liveTimer !== null || top !== 'waiting');
  }

  #say({ level, message, fields }: Line): void {
    this.#log.write(level, message, { state: this.#state, ...fields });
  }

  #beginLive(): void {
    // What changes meanwhile is seen at the next tick: in a busy queue that may be much.
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
    const waited = Math.floor((this.#clock.now() - this.#waitingSince) / 1000);
    this.#log.live(`  waiting for ${duration(waited)}: ${wordsForQueue(queue)}`);
  }

  #endLive(): void {
    if (this.#liveTimer === null) return;
    this.#clock.clearTimeout(this.#liveTimer);
    this.#liveTimer = null;
    this.#log.live(null);
  }
}

/** Recording ended without an answer. */
function isCutShort(before: string, after: string, event: LockexEvent | null): boolean {
  return before === RECORDING && after !== RECORDING && event?.type !== 'run.recorded';
}

/** connecting is entered again. */
function isAnotherTry(event: LockexEvent | null): boolean {
  return event?.type === 'session.unreachable';
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
