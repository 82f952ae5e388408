/** What a fault of the soak is, and what has come of it. Types, and the plan that the seed decides. */
import type { Random } from '../support/random.ts';

/** What is done to one contender's processes. */
const PROCESS_FAULTS = ['lockex killed', 'lockex stopped', 'guard stopped'] as const;
/** What is done between one contender and the members. */
const NETWORK_FAULTS = [
  'partition',
  'partition, bytes lost',
  'one way, to servers',
  'one way, to client',
  'reset',
  'delay',
  'answers delayed',
  'answers of one member delayed',
  'stall',
] as const;
/** What is done to the members. */
const MEMBER_FAULTS = [
  'member killed',
  'member paused',
  'leader killed',
  'leader paused',
  'quorum lost',
] as const;
/** What is done between the members, to their quorum connections. */
const LINK_FAULTS = [
  'follower cut off',
  'slow link to leader',
  'slow link to follower',
  'slow, then cut link to leader',
  'slow, then cut link to follower',
  'link reset',
  'link reset repeatedly',
  'slow links, client reset',
  'late answer to a handshake',
] as const;

export type ProcessFault = (typeof PROCESS_FAULTS)[number];
export type NetworkFault = (typeof NETWORK_FAULTS)[number];
export type MemberFault = (typeof MEMBER_FAULTS)[number];
export type LinkFault = (typeof LINK_FAULTS)[number];
export type FaultKind = ProcessFault | NetworkFault | MemberFault | LinkFault;

export const FAULT_KINDS: readonly FaultKind[] = [
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...MEMBER_FAULTS,
  ...LINK_FAULTS,
];

/** Members and the ways to them are whole all the while. */
export function isProcessFault(kind: FaultKind): boolean {
  return (PROCESS_FAULTS as readonly FaultKind[]).includes(kind);
}

/** Which contender: the one that holds a lock at the moment, or the one of that number. */
interface OnContender {
  readonly holder: boolean;
  /** Chooses the lock as well. */
  readonly target: number;
}

interface Slow {
  /** In one direction; a fault of both directions divides it. */
  readonly slowByMs: number;
}

interface Lasting {
  readonly durationMs: number;
  /** After the fault before it of the same round. */
  readonly delayMs: number;
}

/** The draw chooses among members in the same role, and among variants of a fault. */
interface OnEnsemble {
  readonly draw: number;
}

export type PlannedProcessFault = Lasting &
  OnContender & { readonly on: 'process'; readonly kind: ProcessFault };
export type PlannedNetworkFault = Lasting &
  OnContender &
  Slow & { readonly on: 'network'; readonly kind: NetworkFault };
export type PlannedMemberFault = Lasting &
  OnEnsemble & { readonly on: 'members'; readonly kind: MemberFault };
export type PlannedLinkFault = Lasting &
  OnContender &
  OnEnsemble &
  Slow & { readonly on: 'links'; readonly kind: LinkFault };

export type PlannedFault =
  | PlannedProcessFault
  | PlannedNetworkFault
  | PlannedMemberFault
  | PlannedLinkFault;

/** A fault that was made, on what was there to make it on. */
export interface MadeFault {
  /** Such as `c2`, or `member 1`. */
  readonly target: string;
  /** Goes through the phases of the fault. Without it, the fault stays the same until it is healed. */
  readonly phases?: (pause: (ms: number) => Promise<void>) => Promise<void>;
  readonly heal: () => void | Promise<void>;
}

export interface FaultRecord {
  readonly kind: FaultKind;
  readonly target: string;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly madeAt: number;
  healedAt: number | undefined;
}

/** One fault, or two at once. */
export interface Round {
  readonly faults: readonly [PlannedFault, ...PlannedFault[]];
  /** Quiet after all is healed. */
  readonly pauseMs: number;
}

/** What is named more often is drawn more often. */
const PLACES = [
  ...(['process', 'process', 'network', 'network'] as const),
  ...(['members', 'links', 'links'] as const),
] as const;
/** Nothing is to be healed after these. */
export const MOMENTARY: readonly FaultKind[] = ['lockex killed', 'reset', 'link reset'];
const TWO_AT_ONCE = 0.3;
/** Most contenders only wait, and a fault of a holder is the one that counts. */
const ON_HOLDER = 0.65;
/** Divisible by every number of members, roles and variants that it chooses among. */
const DRAWS = 60;

/** Draws nothing that depends on how the soak goes: the same seed, the same rounds. */
export function planRound(random: Random, contenders: number): Round {
  const first = planFault(random, contenders);
  const faults: [PlannedFault, ...PlannedFault[]] = [first];
  if (random.chance(TWO_AT_ONCE)) {
    let second = planFault(random, contenders);
    while (second.on === first.on) second = planFault(random, contenders);
    faults.push(second);
  }
  return { faults, pauseMs: random.between(300, 2500) };
}

function planFault(random: Random, contenders: number): PlannedFault {
  const on = random.pick(PLACES);
  const lasting = { durationMs: durationOf(random), delayMs: random.between(0, 1500) };
  const draw = random.below(DRAWS);
  if (on === 'members') return { on, kind: random.pick(MEMBER_FAULTS), draw, ...lasting };
  const target = random.below(contenders);
  const holder = random.chance(ON_HOLDER);
  const some = { target, holder, ...lasting };
  if (on === 'process') return { on, kind: random.pick(PROCESS_FAULTS), ...some };
  const slowByMs = random.between(50, 3000);
  return on === 'network'
    ? { on, kind: random.pick(NETWORK_FAULTS), slowByMs, ...some }
    : { on, kind: random.pick(LINK_FAULTS), slowByMs, draw, ...some };
}

/** Some within the session timeout, some around it, some beyond. */
function durationOf(random: Random): number {
  const [low, high] = random.pick([
    [100, 1500],
    [1500, 4500],
    [4500, 9000],
  ]);
  return random.between(low ?? 0, high ?? 0);
}
