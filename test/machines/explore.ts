/**
 * Every state that the machine can reach, found by trying every fact in every state. Uses xstate's
 * pure `transition`: no actors run, what would have been sent to them is returned.
 */
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import type {
  CommandCommand,
  LockexEvent,
  LockexInput,
  ZookeeperCommand,
} from '../../machines/contract.ts';
import { lockexMachine } from '../../machines/lockex.ts';
import { stateName } from '../../machines/state-name.ts';
import { facts } from './facts.ts';

export type Snapshot = SnapshotFrom<typeof lockexMachine>;
export type Sent = ZookeeperCommand | CommandCommand;

export interface Step {
  readonly fact: string;
  readonly event: LockexEvent;
  readonly from: Node;
  readonly to: Node;
  /** Commands sent to the actors, in order. */
  readonly sent: readonly Sent[];
}

export interface Node {
  readonly key: string;
  /** Dotted, e.g. `cleanup.stopping`. */
  readonly state: string;
  readonly snapshot: Snapshot;
  readonly sentAtStart: readonly Sent[];
  readonly steps: Step[];
}

interface Explored {
  readonly initial: Node;
  readonly nodes: readonly Node[];
  readonly steps: readonly Step[];
}

export function explore(input: LockexInput): Explored {
  const [initial, actions] = initialTransition(lockexMachine, input);
  const byKey = new Map<string, Node>();
  const queue: Node[] = [];
  const visit = (snapshot: Snapshot, sentAtStart: readonly Sent[] = []): Node => {
    const key = keyOf(snapshot);
    const known = byKey.get(key);
    if (known) return known;
    const node = { key, state: stateName(snapshot.value), snapshot, sentAtStart, steps: [] };
    byKey.set(key, node);
    queue.push(node);
    return node;
  };
  const first = visit(initial, sentIn(actions));
  for (let node = queue.shift(); node; node = queue.shift()) {
    if (node.snapshot.status !== 'active') continue;
    for (const [fact, event] of Object.entries(facts)) {
      const [next, effects] = transition(lockexMachine, node.snapshot, event);
      node.steps.push({ fact, event, from: node, to: visit(next), sent: sentIn(effects) });
    }
  }
  const nodes = [...byKey.values()];
  return { initial: first, nodes, steps: nodes.flatMap(({ steps }) => steps) };
}

function keyOf({ value, context, status }: Snapshot): string {
  return JSON.stringify([status, value, context]);
}

function sentIn(actions: readonly { readonly type: string; readonly params?: unknown }[]): Sent[] {
  return actions.flatMap(({ type, params }) => {
    if (type !== 'xstate.sendTo') return [];
    return [(params as { event: Sent }).event];
  });
}
