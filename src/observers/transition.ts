/** A transition of the machine, as observers receive it. Pure. */
import type { InspectionEvent, SnapshotFrom } from 'xstate';
import type { LockexContext, LockexEvent, LockexTag } from '../../machines/contract.ts';
import type { lockexMachine } from '../../machines/lockex.ts';
import { stateName } from '../../machines/state-name.ts';

export interface Transition {
  readonly snapshot: SnapshotFrom<typeof lockexMachine>;
  /** null: the first state. */
  readonly event: LockexEvent | null;
}

/** The machine after a transition. */
export interface ObservedState {
  /** Dotted: `cleanup.stopping`. */
  readonly state: string;
  readonly tags: readonly LockexTag[];
  readonly context: LockexContext;
}

/** Returns null for an inspection event that is not a transition of the machine. */
export function transitionIn(inspection: InspectionEvent): Transition | null {
  if (inspection.type !== '@xstate.snapshot') return null;
  if (inspection.actorRef.sessionId !== inspection.rootId) return null;
  const { type } = inspection.event;
  return {
    snapshot: inspection.snapshot as SnapshotFrom<typeof lockexMachine>,
    event: type.startsWith('xstate.') ? null : (inspection.event as LockexEvent),
  };
}

export function observedState({ snapshot }: Transition): ObservedState {
  const { value, tags, context } = snapshot;
  // XState types the tags of a snapshot as strings.
  return { state: stateName(value), tags: [...tags] as LockexTag[], context };
}
