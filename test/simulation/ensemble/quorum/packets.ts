/** The packets between members: `QuorumPacket`, and the votes of `FastLeaderElection`. */
import type { Database } from '../tree/database.ts';
import type { Transaction } from '../tree/transaction.ts';
import type { SessionId } from '../wire/codes.ts';
import type { Id } from '../wire/requests.ts';

export type QuorumPacket =
  /** FOLLOWERINFO and OBSERVERINFO */
  | { readonly type: 'info'; readonly id: number; readonly acceptedEpoch: number }
  | { readonly type: 'leader info'; readonly epoch: number }
  /** `currentEpoch` -1: the epoch was accepted before. */
  | { readonly type: 'epoch ack'; readonly currentEpoch: number; readonly lastZxid: number }
  | { readonly type: 'diff' }
  | { readonly type: 'trunc'; readonly zxid: number }
  | { readonly type: 'snap'; readonly database: Database }
  | { readonly type: 'new leader'; readonly zxid: number }
  | { readonly type: 'up to date' }
  | { readonly type: 'ack'; readonly zxid: number }
  | { readonly type: 'proposal'; readonly transaction: Transaction }
  | { readonly type: 'commit'; readonly zxid: number }
  /** A proposal and its commit at once, for observers. */
  | { readonly type: 'inform'; readonly transaction: Transaction }
  | { readonly type: 'ping' }
  | { readonly type: 'touches'; readonly touches: readonly (readonly [SessionId, number])[] }
  | { readonly type: 'revalidate'; readonly session: SessionId; readonly timeoutMs: number }
  | { readonly type: 'revalidated'; readonly session: SessionId; readonly isValid: boolean }
  | { readonly type: 'request'; readonly request: ForwardedRequest }
  | { readonly type: 'synced' };

export interface ForwardedRequest {
  readonly session: SessionId;
  readonly cxid: number;
  readonly op: number;
  readonly body: Buffer;
  readonly ids: readonly Id[];
  readonly timeoutMs: number;
}

export interface Vote {
  readonly leader: number;
  readonly zxid: number;
  readonly electionEpoch: number;
  readonly peerEpoch: number;
}

export type PeerState = 'looking' | 'following' | 'leading' | 'observing';

export interface Notification extends Vote {
  readonly from: number;
  readonly state: PeerState;
}
