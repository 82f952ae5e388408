/**
 * The arithmetic of the lease: events in, deadlines out. Pure; no clock, no timers, no I/O.
 *
 * ZooKeeper's leader decides when a session ends, and a client that is cut off is not told. So the
 * holder counts for itself, from the last moment at which the leader's own clock for this session
 * is *proven* to have been reset, and errs on the early side. A proven touch is one of
 *
 *  (a) the sending of a handshake (new session or re-attachment) that was answered: the leader
 *      creates or revalidates the session then (`Leader`, REVALIDATE → `SessionTracker.touchSession`);
 *  (b) the sending of a request i that was answered on this connection, once two later
 *      leader-confirmed requests have been answered on it: j, sent at least T/3 after i's answer,
 *      and k, sent after j's answer. A forwarded request is only *checked* against the session, it
 *      does not touch it (`LearnerHandler`); what touches it is the follower's answer to the
 *      leader's ping, every tickTime/2 ≤ T/4. Between i and j the leader has pinged our server;
 *      that ping stands before j's commit in the leader's stream, its answer before k in the
 *      follower's. When k is confirmed, the leader has heard of us later than i was sent.
 *
 * One confirmed request proves nothing: a follower that was cut off a moment later never told the
 * leader. Times are milliseconds of `src/clock.ts`.
 */
import type { LeaseInfo } from '../../machines/contract.ts';

/** A leader-confirmed request that was answered with OK. */
export interface Confirmation {
  /** Read right before the request was written. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /**
   * What came before what, which a clock with steps of 10 ms can't tell: a number for each writing
   * and each answer of the session, greater than all before.
   */
  readonly order: { readonly sent: number; readonly answered: number };
}

export type LeaseFact =
  /** A handshake was answered; `timeoutMs` is the T that it granted. */
  | { readonly type: 'attached'; readonly sentAt: number; readonly timeoutMs: number }
  /** A handshake granted this T, whatever becomes of our node: a smaller one counts at once. */
  | { readonly type: 'negotiated'; readonly timeoutMs: number }
  /** The connection is gone: what was confirmed on it can't be completed by another. */
  | { readonly type: 'detached' }
  | ({ readonly type: 'confirmed' } & Confirmation);

export interface Lease {
  /** Sending of the newest proven touch. */
  readonly provenAt: number;
  /** T of the present connection. */
  readonly timeoutMs: number;
  /**
   * The smallest T granted in the session's life. A re-attachment can change T, and the leader may
   * still go by the one before.
   */
  readonly smallestTimeoutMs: number;
  /** Answered on the present connection, oldest first; only those that can still prove something. */
  readonly confirmations: readonly Confirmation[];
}

/** How far our clock and the leader's may drift apart: 0.2 %, and one step of /proc/uptime each. */
const DRIFT_RATIO = 0.002;
const CLOCK_STEP_MS = 10;

/** The lease of a session that was just made. */
export function newLease(sentAt: number, timeoutMs: number): Lease {
  return { provenAt: sentAt, timeoutMs, smallestTimeoutMs: timeoutMs, confirmations: [] };
}

export function leaseAfter(lease: Lease, fact: LeaseFact): Lease {
  switch (fact.type) {
    case 'attached':
      return {
        ...leaseAfter(lease, { type: 'negotiated', timeoutMs: fact.timeoutMs }),
        provenAt: Math.max(lease.provenAt, fact.sentAt),
        confirmations: [],
      };
    case 'negotiated':
      return {
        ...lease,
        timeoutMs: fact.timeoutMs,
        smallestTimeoutMs: Math.min(lease.smallestTimeoutMs, fact.timeoutMs),
      };
    case 'detached':
      return { ...lease, confirmations: [] };
    case 'confirmed':
      return afterConfirmation(lease, fact);
  }
}

function afterConfirmation(lease: Lease, { sentAt, answeredAt, order }: Confirmation): Lease {
  const k = { sentAt, answeredAt, order };
  const confirmations = [...lease.confirmations, k];
  const proven = newestProven(confirmations, k, lease.timeoutMs);
  if (proven === null) return { ...lease, confirmations };
  return {
    ...lease,
    provenAt: Math.max(lease.provenAt, proven.sentAt),
    // Older ones can't be an i that proves more, and are too old to be its j.
    confirmations: confirmations.filter(({ sentAt }) => sentAt >= proven.sentAt),
  };
}

/** The newest i for which a j exists, given that k was just answered. */
function newestProven(
  confirmations: readonly Confirmation[],
  k: Confirmation,
  timeoutMs: number,
): Confirmation | null {
  const j = confirmations.findLast(({ order }) => order.answered < k.order.sent);
  if (j === undefined) return null;
  const interval = timeoutMs / 3;
  return confirmations.findLast(({ answeredAt }) => answeredAt + interval <= j.sentAt) ?? null;
}

/** `killAfterMs`: the grace that the command is to have between SIGTERM and SIGKILL. */
export function deadlinesOf(lease: Lease, killAfterMs: number): LeaseInfo {
  const timeoutMs = lease.smallestTimeoutMs;
  const leaseEnd = lease.provenAt + timeoutMs - timeoutMs * DRIFT_RATIO - 2 * CLOCK_STEP_MS;
  const stopAt = leaseEnd - Math.min(killAfterMs, timeoutMs / 6) - killingMs(timeoutMs);
  return { provenAt: lease.provenAt, leaseEnd, stopAt };
}

/** What a SIGKILL and the proof that it worked may take on a busy host. */
function killingMs(timeoutMs: number): number {
  return Math.min(1000, Math.max(100, timeoutMs / 40));
}

/**
 * How long after the beginning of a pair of confirmations the next pair begins; `latencyMs` is what
 * the first answer took. The first of a pair is the j of a proof, the second, sent upon its answer,
 * the k; the pair before the last has the i, since two intervals are the T/3 between i's answer and
 * j, whatever each answer took. So the newest proven touch is two to three intervals old, and what is
 * left of the lease at the worst moment, less grace and killing, is some 0.3 T: the outage that a
 * command survives. (One by one, it would take fifteen confirmations per T for the same.)
 */
export function renewalIntervalMs(timeoutMs: number, latencyMs: number): number {
  return timeoutMs / 6 + latencyMs + CLOCK_STEP_MS;
}

/**
 * Whether confirmations alone prove the lease in time, now and from then on, if each answer takes
 * `latencyMs`: with the pair that begins, or began, at `pairAt`, and with those after it.
 */
export function isRenewedInTime(
  lease: Lease,
  { stopAt, provenAt }: LeaseInfo,
  pairAt: number,
  latencyMs: number,
): boolean {
  const intervalMs = renewalIntervalMs(lease.smallestTimeoutMs, latencyMs);
  const oldest = lease.timeoutMs / 3 + 3 * latencyMs + intervalMs;
  return oldest < stopAt - provenAt && nextProofAt(lease, pairAt, latencyMs) < stopAt;
}

function nextProofAt(lease: Lease, pairAt: number, latencyMs: number): number {
  const { provenAt, confirmations, timeoutMs, smallestTimeoutMs } = lease;
  const i = confirmations.find(({ sentAt }) => sentAt > provenAt);
  // Without one it is the first of that pair.
  const ripeAt = (i?.answeredAt ?? pairAt + latencyMs) + timeoutMs / 3;
  const intervalMs = renewalIntervalMs(smallestTimeoutMs, latencyMs);
  const later = Math.max(0, Math.ceil((ripeAt - pairAt) / intervalMs));
  return pairAt + later * intervalMs + 2 * latencyMs;
}
