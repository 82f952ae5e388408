/** Where a contender stands with its node, and what an error means there. Pure. */
import type { ErrorPhase } from './error-policy.ts';

export type Phase =
  /** No node of ours is known to hold anything. */
  | { readonly name: 'idle' }
  | { readonly name: 'queued' }
  /** `proving`: by a handshake, which is not answered yet. */
  | { readonly name: 'granted'; readonly path: string; readonly proving: boolean }
  | { readonly name: 'holding'; readonly path: string }
  /** Releasing, closing or lost: nothing is said any more but the answers to commands. */
  | { readonly name: 'over' };

export function grantedAt(path: string): Phase {
  return { name: 'granted', path, proving: false };
}

/** For errors of questions about our own node; null: there is none to ask about. */
export function errorPhaseOf({ name }: Phase, isSuspended: boolean): ErrorPhase | null {
  switch (name) {
    case 'idle':
    case 'over':
      return null;
    case 'queued':
      return isSuspended ? 'rejoining' : null;
    case 'granted':
      return isSuspended ? 'rejoining' : 'confirming';
    case 'holding':
      return isSuspended ? 'resuming' : 'holding';
  }
}
