/**
 * The faults of the soak: their kinds, their plan, which depends on the seed only, and their
 * records.
 */
import type { Random } from '../support/random.ts';

/** Faults of one contender's processes. */
const PROCESS_FAULTS = ['lockex killed', 'lockex stopped', 'guard stopped'] as const;
/** Faults of the connections between one contender and the members. */
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
/** Faults of the members. */
const MEMBER_FAULTS = [
  'member killed',
  'member paused',
  'leader killed',
  'leader paused',
  'quorum lost',
] as const;
/** Faults of the quorum connections between the members. */
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

/** True if the fault affects neither the members nor the connections to them. */
export function isProcessFault(kind: FaultKind): boolean {
  return (PROCESS_FAULTS as readonly FaultKind[]).includes(kind);
}

/** The affected contender: the current holder of a lock, or the contender with this number. */
interface OnContender {
  readonly holder: boolean;
  /** Also chooses the lock. */
  readonly target: number;
}

interface Slow {
  /** Delay in one direction; a fault of both directions delays each by half. */
  readonly slowByMs: number;
}

interface Lasting {
  readonly durationMs: number;
  /** Delay after the previous fault of the same round. */
  readonly delayMs: number;
}

/** `draw` chooses among members with the same role, and among variants of a fault. */
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

/** A fault that has been injected. */
export interface InjectedFault {
  /** For example `c2` or `member 1`. */
  readonly target: string;
  /** Runs the later phases of the fault. Absent: the fault stays the same until it is healed. */
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
  /** Time without faults after the round. */
  readonly pauseMs: number;
}

/** Places that are listed more often are drawn more often. */
const PLACES = [
  ...(['process', 'process', 'network', 'network'] as const),
  ...(['members', 'links', 'links'] as const),
] as const;
/** Faults without a duration: nothing to heal. */
export const MOMENTARY: readonly FaultKind[] = ['lockex killed', 'reset', 'link reset'];
const TWO_AT_ONCE = 0.3;
/** Most contenders only wait; faults of a holder are the interesting ones. */
const ON_HOLDER = 0.65;
/** Divisible by all numbers of members and variants to choose from. */
const DRAWS = 60;

/** Independent of the course of the soak: the same seed gives the same rounds. */
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

/** Shorter than the session timeout, about as long, or longer. */
function durationOf(random: Random): number {
  const [low, high] = random.pick([
    [100, 1500],
    [1500, 4500],
    [4500, 9000],
  ]);
  return random.between(low ?? 0, high ?? 0);
}
