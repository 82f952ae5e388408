/** The states of one attempt to acquire the lock, and the table of their transitions. Pure. */
import type { ErrorPhase } from './error-policy.ts';

type StateWithoutNode =
  /** Not in the queue: connecting, or connected and not asked to join. */
  | 'idle'
  | 'queued'
  /** Queued; since the connection was lost, the leader has not confirmed a request. */
  | 'queued.suspended'
  /** Lost, releasing or closing: only losses and the answers to commands are reported. */
  | 'over';

type StateWithNode =
  /** First in the queue; the lease must be proven and our node verified. */
  | 'granted'
  /** Granted; the connection was dropped on purpose, to prove the lease by a handshake. */
  | 'granted.reattaching'
  | 'granted.suspended'
  /** The lock is held: the lease was proven and our node verified. */
  | 'holding'
  | 'holding.suspended';

/** `path`: the path of our node. */
export type AttemptState =
  | { readonly name: StateWithoutNode }
  | { readonly name: StateWithNode; readonly path: string };

export type AttemptEvent =
  /** Command: join the queue. */
  | { readonly type: 'join' }
  /** The recipe reports that our node is first. */
  | { readonly type: 'granted'; readonly path: string }
  /** The grant must be confirmed by requests on the current connection. */
  | { readonly type: 'confirm' }
  /** The grant must be confirmed on a new connection; the current one is dropped. */
  | { readonly type: 'reattach' }
  /** The grant was confirmed. */
  | { readonly type: 'confirmed' }
  /** The connection ended. */
  | { readonly type: 'detached' }
  /** The connection can no longer be relied on, for another reason. */
  | { readonly type: 'suspend' }
  /** The leader has confirmed a request on the current connection. */
  | { readonly type: 'resume' }
  /** The session or the node was lost; or a command: release, close, abandon. */
  | { readonly type: 'end' };

export type StateName = AttemptState['name'];
export type EventType = AttemptEvent['type'];
type Row = Readonly<Partial<Record<EventType, StateName>>>;

/**
 * An event that is not in a state's row changes nothing there (the test lists all pairs).
 *
 * While suspended, nothing is granted or confirmed. Only a request that the leader confirms on the
 * current connection ends this (`resume`); then the machine joins or confirms again. Dropping a
 * connection to prove the lease is not an outage, unless the new one takes too long (`suspend`).
 * `confirm` while the lock is held: the machine was suspended before it had started the command.
 */
export const NEXT_STATES: Readonly<Record<StateName, Row>> = {
  idle: { join: 'queued', end: 'over' },
  queued: {
    granted: 'granted',
    detached: 'queued.suspended',
    suspend: 'queued.suspended',
    end: 'over',
  },
  'queued.suspended': { resume: 'queued', end: 'over' },
  granted: {
    join: 'queued',
    reattach: 'granted.reattaching',
    confirmed: 'holding',
    detached: 'granted.suspended',
    suspend: 'granted.suspended',
    end: 'over',
  },
  'granted.reattaching': {
    join: 'queued',
    confirm: 'granted',
    suspend: 'granted.suspended',
    end: 'over',
  },
  'granted.suspended': { join: 'queued.suspended', resume: 'granted', end: 'over' },
  holding: {
    join: 'queued',
    confirm: 'granted',
    reattach: 'granted.reattaching',
    detached: 'holding.suspended',
    suspend: 'holding.suspended',
    end: 'over',
  },
  'holding.suspended': { join: 'queued.suspended', resume: 'holding', end: 'over' },
  over: {},
};

/** Returns the same object if the event changes nothing. */
export function nextState(state: AttemptState, event: AttemptEvent): AttemptState {
  const name = NEXT_STATES[state.name][event.type];
  if (name === undefined) return state;
  switch (name) {
    case 'idle':
    case 'queued':
    case 'queued.suspended':
    case 'over':
      return { name };
    case 'granted':
    case 'granted.reattaching':
    case 'granted.suspended':
    case 'holding':
    case 'holding.suspended':
      return { name, path: pathOf(event) ?? pathOf(state) ?? neverWithoutPath() };
  }
}

export function isQueued({ name }: AttemptState): boolean {
  return name === 'queued' || name === 'queued.suspended';
}

/** True once granted: our node is first in the queue. */
export function isGrantedOrHeld(state: AttemptState): boolean {
  return 'path' in state;
}

export function isSuspended({ name }: AttemptState): boolean {
  return name.endsWith('.suspended');
}

/** The phase of error-policy.ts for requests about our own node; null: there are none. */
export function errorPhaseOf({ name }: AttemptState): ErrorPhase | null {
  switch (name) {
    case 'idle':
    case 'queued':
    case 'over':
      return null;
    case 'queued.suspended':
    case 'granted.suspended':
      return 'rejoining';
    case 'granted':
    case 'granted.reattaching':
      return 'confirming';
    case 'holding':
      return 'holding';
    case 'holding.suspended':
      return 'resuming';
  }
}

function pathOf(from: AttemptState | AttemptEvent): string | null {
  return 'path' in from ? from.path : null;
}

/** `granted` sets the path, and every row with a path is reached through it. */
function neverWithoutPath(): never {
  throw new Error('a grant without the path of our node');
}
