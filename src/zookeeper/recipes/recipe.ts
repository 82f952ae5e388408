/**
 * What a lock and a semaphore have in common for those who drive them: steps that can be taken
 * again after any interruption, because each begins by looking at what is known.
 */
import type { QueueInfo } from '../../../machines/contract.ts';

export type Position =
  /** The lock is ours as far as ZooKeeper's tree says; the lease is still to be proven. */
  | {
      readonly kind: 'granted';
      readonly path: string;
      /** Of our node, where it was made in this step: by a write, which the leader has committed. */
      readonly createdZxid: bigint | null;
    }
  | {
      readonly kind: 'queued';
      readonly queue: QueueInfo;
      /** Only a contender that is about to let go stands before us: worth a moment's patience. */
      readonly transient: boolean;
      /** Path of our node, where only one contender stands before it; null: more, or not known. */
      readonly next: string | null;
    }
  /** It can't be had, now or later: wrong N, wrong kind of lock. */
  | { readonly kind: 'refused'; readonly message: string };

export type Pace = () => Promise<void>;

/** Takes steps until one says where we stand. */
export async function takeSteps(
  step: () => Promise<Position | 'again'>,
  pace: Pace = async () => {},
): Promise<Position> {
  for (;;) {
    const standing = await step();
    if (standing !== 'again') return standing;
    await pace();
  }
}

export interface Recipe {
  /** Path of our node, or, while there is none that we know of, of the node below which it will be. */
  readonly ownOrParentPath: string;

  /**
   * Takes as many steps as can be taken now and says where we stand. `onChange` is called (at least
   * once, if at all) when another call would find something new. Rejects with RequestError when the
   * connection fails in the middle: call it again on the next one. `pace` is awaited before each step
   * but the first: others may undo what a step does as soon as it is done. Rejects as `pace` does.
   */
  advance(onChange: () => void, pace?: Pace): Promise<Position>;

  /** Our node may be gone: before the next step nothing is known that was not looked at. */
  doubt(): void;

  /**
   * Deletes every node that is or may be ours; `onAsked` is called when the last request for that is
   * on its way. Rejects with RequestError while it is not sure that they are gone.
   */
  withdraw(onAsked?: () => void): Promise<void>;
}
