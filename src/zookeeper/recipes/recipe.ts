/**
 * The interface of lock and semaphore: steps that can be repeated after any interruption, because
 * each starts from the known state.
 */
import type { QueueInfo } from '../../../machines/contract.ts';

export type Position =
  /** Our node is first according to ZooKeeper's tree; the lease must still be proven. */
  | {
      readonly kind: 'granted';
      readonly path: string;
      /** czxid of our node, if this step created it: the leader has committed that write. */
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
  /** It can never be acquired: another N, or another kind of lock. */
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
  /** Path of our node; while it is unknown, path of the parent in which it will be created. */
  readonly ownOrParentPath: string;

  /**
   * Takes as many steps as possible now and resolves with our position. `onChange` is called,
   * possibly more than once, when another call would find something new. Rejects with RequestError
   * if the connection fails: call it again on the next one. `pace` is awaited before each step
   * except the first, because other clients may undo each step. Rejects like `pace`.
   */
  advance(onChange: () => void, pace?: Pace): Promise<Position>;

  /** Our node may be gone: the next step reads everything again. */
  invalidate(): void;

  /**
   * Deletes every node that we have or may have created; `onAsked` is called when the last request
   * has been sent. Rejects with RequestError while it is not certain that they are gone.
   */
  withdraw(onAsked?: () => void): Promise<void>;
}
