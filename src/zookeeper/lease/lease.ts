/**
 * The arithmetic of the lease: events in, deadlines out. Pure; no clock, no timers, no I/O.
 *
 * ZooKeeper's leader decides when a session ends, and does not notify a client that is cut off. So
 * the holder counts the time itself, from the last moment at which the leader is *proven* to have
 * reset its clock for this session, and errs on the early side. An answer proves something only if
 * nothing but the leader and our own request can cause it. A proven touch is one of
 *
 *  (a) the sending of the handshake that created the session: the creation is a transaction of the
 *      quorum (`PrepRequestProcessor`, createSession);
 *  (b) the sending of a later handshake that was answered, once a leader-confirmed request sent on
 *      the same attachment has been answered as well. The answer to the handshake alone proves
 *      nothing: a follower may complete it with the leader's answer to an earlier one
 *      (`Learner.pendingRevalidations` is keyed by the session id), and a deposed leader answers
 *      without a quorum. The confirmation does: in the follower's stream to the leader the
 *      REVALIDATE of this handshake comes before the request (`Learner.validateSession`,
 *      `Learner.request`), and REVALIDATE resets the leader's clock (`Leader.revalidateSession` →
 *      `touchSession`);
 *  (c) the sending of a request i0 that was answered on this attachment, followed by a request i,
 *      once two later leader-confirmed requests have been answered on it: j, sent at least T/3
 *      after i's answer, and k, sent after j's answer. A forwarded request is only *checked*
 *      against the session, it does not touch it (`LearnerHandler`, REQUEST); what touches it is
 *      the follower's answer to the leader's ping, every tickTime/2 ≤ T/4. Between i and j the
 *      leader has pinged our server; that ping comes before j's commit in the leader's stream, its
 *      answer before k in the follower's. When k is confirmed, the leader has heard of i0 or of i.
 *      The follower may have lost one of the two: a touch that races with the copying of its table
 *      goes into the copied one (`LearnerSessionTracker.snapshot`). So the elder counts.
 *
 * One confirmed request proves nothing: a follower that was cut off a moment later never reported
 * the touch to the leader. A confirmation belongs to its request because request numbers (xids) are
 * unique over the session's life (request-numbers.ts). Times are milliseconds of
 * `src/util/clock.ts`.
 */
import type { LeaseInfo } from '../../../machines/contract.ts';
import { CLOCK_STEP_MS, leaseDeadlines } from '../../util/deadlines.ts';
import type { AnsweredHandshake, Confirmation } from '../client.ts';

export type LeaseFact =
  /** A handshake was answered. Its T counts at once, its touch not yet. */
  | ({ readonly type: 'attached' } & AnsweredHandshake)
  /** The connection ended: what was confirmed on it cannot be completed on another. */
  | { readonly type: 'detached' }
  | ({ readonly type: 'confirmed' } & Confirmation);

export interface Lease {
  /** Send time of the newest proven touch. */
  readonly provenAt: number;
  /** T of the current connection. */
  readonly timeoutMs: number;
  /**
   * The smallest T granted in the session's life. A re-attachment can change T, and the leader may
   * still use the previous one.
   */
  readonly smallestTimeoutMs: number;
  /** The current attachment: only confirmations on it prove anything; null: none. */
  readonly attachment: number | null;
  /** Send time of its handshake, until that is proven; null: proven, or none. */
  readonly unprovenHandshakeAt: number | null;
  /**
   * Requests confirmed on the current attachment, the oldest first; only those that can still prove
   * something.
   */
  readonly confirmations: readonly Confirmation[];
}

/** The lease of a session that was created by this handshake. */
export function newLease({ number, handshakeSentAt, timeoutMs }: AnsweredHandshake): Lease {
  return {
    provenAt: handshakeSentAt,
    timeoutMs,
    smallestTimeoutMs: timeoutMs,
    attachment: number,
    unprovenHandshakeAt: null,
    confirmations: [],
  };
}

export function leaseAfter(lease: Lease, fact: LeaseFact): Lease {
  switch (fact.type) {
    case 'attached':
      return {
        provenAt: lease.provenAt,
        timeoutMs: fact.timeoutMs,
        smallestTimeoutMs: Math.min(lease.smallestTimeoutMs, fact.timeoutMs),
        attachment: fact.number,
        unprovenHandshakeAt: fact.handshakeSentAt,
        confirmations: [],
      };
    case 'detached':
      return { ...lease, attachment: null, unprovenHandshakeAt: null, confirmations: [] };
    case 'confirmed':
      return fact.attachment === lease.attachment ? afterConfirmation(lease, fact) : lease;
  }
}

/** The lease that results if a request sent now is confirmed on the current attachment. */
export function onceConfirmed(lease: Lease): Lease {
  const provenAt = Math.max(lease.provenAt, lease.unprovenHandshakeAt ?? lease.provenAt);
  return { ...lease, provenAt, unprovenHandshakeAt: null };
}

function afterConfirmation(before: Lease, { type: _, ...k }: LeaseFact & Confirmation): Lease {
  const lease = onceConfirmed(before);
  const confirmations = [...lease.confirmations, k];
  const proven = newestProven(confirmations, k, lease.timeoutMs);
  if (proven === null) return { ...lease, confirmations };
  return {
    ...lease,
    provenAt: Math.max(lease.provenAt, proven.sentAt),
    // Older ones cannot be an i0 that proves more, and are too old to be a j.
    confirmations: confirmations.filter(({ sentAt }) => sentAt >= proven.sentAt),
  };
}

/** The newest i0 for which an i and a j exist, given that k was just answered. */
function newestProven(
  confirmations: readonly Confirmation[],
  k: Confirmation,
  timeoutMs: number,
): Confirmation | null {
  const j = confirmations.findLast(({ order }) => order.answered < k.order.sent);
  if (j === undefined) return null;
  const interval = timeoutMs / 3;
  return confirmations.filter(({ answeredAt }) => answeredAt + interval <= j.sentAt).at(-2) ?? null;
}

/** `killAfterMs`: the command's grace between SIGTERM and SIGKILL. */
export function deadlinesOf(lease: Lease, killAfterMs: number): LeaseInfo {
  const { provenAt, smallestTimeoutMs: timeoutMs } = lease;
  return leaseDeadlines({ provenAt, timeoutMs, killAfterMs });
}

/**
 * The part of a lease's time to stopAt that must be left when a lock is granted by it. Steady
 * renewal leaves 0.38 at its worst moment; without it, the next proof takes T/3 from the first
 * confirmation on, plus time for slow answers.
 */
const FRESH_RATIO_IF_STEADY = 0.3;
const FRESH_RATIO = 0.7;

/** `isSteady`: the last proof came from a pair on the present attachment. */
export function isFreshAt(
  now: number,
  { provenAt, stopAt }: LeaseInfo,
  isSteady: boolean,
): boolean {
  const left = (stopAt - now) / (stopAt - provenAt);
  return left >= (isSteady ? FRESH_RATIO_IF_STEADY : FRESH_RATIO);
}

/** Ratio to T: the margin of a proof by handshake. */
const HANDSHAKE_MARGIN_RATIO = 1 / 30;

/**
 * The latest time at which a proof by handshake should begin: connecting, handshake and
 * confirmation take `latencyMs` each, plus a margin.
 */
export function lastProofAt(
  { smallestTimeoutMs }: Lease,
  { provenAt, stopAt }: LeaseInfo,
  latencyMs: number,
): number {
  const max = (stopAt - provenAt) / 2;
  return stopAt - Math.min(max, 3 * latencyMs + smallestTimeoutMs * HANDSHAKE_MARGIN_RATIO);
}

/**
 * When the next pair of confirmations begins; the present one began at `begunAt`, and both its
 * answers took, or are expected to take, `pairMs`. The first of a pair is the j of a proof, the
 * second, sent upon its answer, the k; the pair before the last is i0 and i: so the next pair waits
 * until T/3 have passed since the answers of the pair before this one. The newest proven touch is
 * then two to three intervals old, and what is left of the lease at the worst moment, less grace
 * and killing, is some
 * 0.3 T: the outage that a command survives. (One by one, it would take fifteen confirmations per T
 * for the same.)
 */
export function nextPairAt(lease: Lease, begunAt: number, pairMs: number): number {
  const { confirmations, timeoutMs, smallestTimeoutMs } = lease;
  const before = confirmations.findLast(({ sentAt }) => sentAt < begunAt);
  const ripeAt = before === undefined ? 0 : before.answeredAt + timeoutMs / 3 + CLOCK_STEP_MS;
  return Math.max(begunAt + intervalMs(smallestTimeoutMs, pairMs), ripeAt);
}

/** Time between two pairs, if all answers take the same time. */
function intervalMs(timeoutMs: number, pairMs: number): number {
  return timeoutMs / 6 + pairMs / 2 + CLOCK_STEP_MS;
}

/**
 * True if confirmations alone renew the lease in time, now and from then on, when each answer takes
 * `latencyMs`: with the pair that begins, or began, at `pairAt`, and with those after it.
 */
export function isRenewedInTime(
  lease: Lease,
  { stopAt, provenAt }: LeaseInfo,
  pairAt: number,
  latencyMs: number,
): boolean {
  const pairMs = 2 * latencyMs;
  const oldest = 3 * intervalMs(lease.smallestTimeoutMs, pairMs) + pairMs;
  return oldest < stopAt - provenAt && nextProofAt(lease, pairAt, latencyMs) < stopAt;
}

function nextProofAt(lease: Lease, pairAt: number, latencyMs: number): number {
  const { provenAt, confirmations, timeoutMs, smallestTimeoutMs } = lease;
  const pairMs = 2 * latencyMs;
  const [, i] = confirmations.filter(({ sentAt }) => sentAt > provenAt);
  // If there are not two, it is the second of that pair.
  const ripeAt = (i?.answeredAt ?? pairAt + pairMs) + timeoutMs / 3;
  const interval = intervalMs(smallestTimeoutMs, pairMs);
  const later = Math.max(0, Math.ceil((ripeAt - pairAt) / interval));
  return pairAt + later * interval + pairMs;
}
