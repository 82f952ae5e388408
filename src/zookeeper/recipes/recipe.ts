/**
 * The interface of lock and semaphore: steps that can be taken again after any interruption,
 * because each begins by looking at what is known.
 */
import type { QueueInfo } from '../../../machines/contract.ts';

export type Position =
  /** The lock is ours according to ZooKeeper's tree; the lease is still to be proven. */
  | {
      readonly kind: 'granted';
      readonly path: string;
      /** Of our node, if this step created it: by a write, which the leader has committed. */
      readonly createdZxid: bigint | null;
    }
  | {
      readonly kind: 'queued';
      readonly queue: QueueInfo;
      /** The only contender ahead is about to leave: worth waiting a moment for. */
      readonly transient: boolean;
      /** Path of our node, if exactly one contender is ahead of it; null: more, or not known. */
      readonly next: string | null;
    }
  /** It cannot be acquired, now or later: another N, or another kind of lock. */
  | { readonly kind: 'refused'; readonly message: string };

export type Pace = () => Promise<void>;

/** Takes steps until one finds our position. */
export async function takeSteps(
  step: () => Promise<Position | 'again'>,
  pace: Pace = async () => {},
): Promise<Position> {
  for (;;) {
    const position = await step();
    if (position !== 'again') return position;
    await pace();
  }
}

export interface Recipe {
  /** Path of our node; while none is known, of the parent in which it will be created. */
  readonly ownOrParentPath: string;

  /**
   * Takes as many steps as possible now and resolves with our position. `onChange` is called,
   * perhaps more than once, when another call would find something new. Rejects with RequestError
   * when the connection fails in between: call it again on the next one. `pace` is awaited before
   * each step but the first, because other clients may undo each step at once. Rejects as `pace`
   * does.
   */
  advance(onChange: () => void, pace?: Pace): Promise<Position>;

  /** Our node may be gone: the next step reads everything again. */
  invalidate(): void;

  /**
   * Deletes every node that is or may be ours; `onAsked` is called when the last request for that
   * has been sent. Rejects with RequestError while it is not certain that they are gone.
   */
  withdraw(onAsked?: () => void): Promise<void>;
}
