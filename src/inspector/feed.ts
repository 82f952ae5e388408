/**
 * Converts the machine's transitions to messages for viewers. Pure, and an allowlist: only the
 * fields that are named here are sent. The machine has no session secrets; the command's arguments
 * and environment are not included.
 */
import type { LockexContext, LockexEvent, LockexTag, QueueInfo } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import { messageForLoss } from '../log/outcome-messages.ts';
import type { LockView } from '../status/view.ts';

/** Facts about a run that never change. */
export interface FeedHead {
  readonly lockId: string;
  readonly lockPath: string;
  /** The number of permits of a semaphore; 1 for a lock. */
  readonly leases: number;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly limits: RunLimits;
}

/** The settings that end a wait or a run, in milliseconds; null: no limit. */
export interface RunLimits {
  /** `-t` */
  readonly waitMs: number | null;
  /** `--max-runtime` */
  readonly maxRuntimeMs: number | null;
  /** `--kill-after` */
  readonly killAfterMs: number;
}

/** The state of a run at one moment; durations are relative to the entry's `at`. */
export interface Facts {
  readonly server: string | null;
  readonly timeoutMs: number | null;
  readonly path: string | null;
  readonly fencingToken: string | null;
  readonly commandPid: number | null;
  /** How the command's first process ended. */
  readonly exit: CommandExit | null;
  /** This contender's position in the queue, and the contenders ahead of it. */
  readonly queue: QueueInfo | null;
  readonly lease: { readonly leftMs: number; readonly stopInMs: number } | null;
  readonly loss: {
    readonly cause: string;
    readonly message: string;
    /** Until the last proven lease ends; null: another contender may hold the lock already. */
    readonly leftMs: number | null;
  } | null;
  readonly outcome: { readonly kind: string } | null;
}

/** A transition, or an event that changed nothing. */
export interface FeedEntry {
  /** From 1, without gaps. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** For example `running`, `cleanup.stopping`. */
  readonly state: string;
  /** The state's tags. */
  readonly tags: readonly LockexTag[];
  /** null for the initial state. */
  readonly event: FeedEvent | null;
  readonly facts: Facts;
}

export interface FeedEvent {
  readonly type: LockexEvent['type'];
  readonly details: Readonly<Record<string, unknown>>;
}

/** Messages to the page: the history first, then one message for each change. */
export type FeedMessage =
  | {
      readonly type: 'hello';
      readonly head: FeedHead;
      /** lockex's clock when this was sent: milliseconds since 1970. */
      readonly now: number;
      readonly entries: readonly FeedEntry[];
    }
  | { readonly type: 'entry'; readonly entry: FeedEntry }
  | {
      readonly type: 'lock';
      /** When the queue was read: milliseconds since 1970. */
      readonly at: number;
      readonly lock: LockView | null;
      readonly problem: string | null;
    }
  /** Sent every few seconds: a page that misses it reports that lockex is silent. */
  | { readonly type: 'alive'; readonly now: number }
  | { readonly type: 'ended'; readonly exitCode: number };

export function factsOf(context: LockexContext, now: number): Facts {
  const { session, grant, lease, loss, outcome, exit } = context;
  return {
    server: session?.server ?? null,
    timeoutMs: session?.timeoutMs ?? null,
    path: grant?.path ?? null,
    fencingToken: grant?.fencingToken ?? null,
    commandPid: context.pid,
    exit: exit && { code: exit.code, signal: exit.signal },
    queue: context.queue,
    lease: lease && {
      leftMs: Math.round(lease.leaseEnd - now),
      stopInMs: Math.round(lease.stopAt - now),
    },
    loss: loss && {
      cause: loss.cause,
      message: messageForLoss(loss),
      leftMs: loss.leaseEnd === null ? null : Math.round(loss.leaseEnd - now),
    },
    outcome: outcome && { kind: outcome.kind },
  };
}

/** The switch is exhaustive: for a new type of event, decide here what viewers may see. */
export function feedEvent(event: LockexEvent): FeedEvent {
  return { type: event.type, details: detailsOf(event) };
}

function detailsOf(event: LockexEvent): Readonly<Record<string, unknown>> {
  switch (event.type) {
    case 'session.established':
    case 'session.resumed':
      return { server: event.session.server, timeoutMs: event.session.timeoutMs };
    case 'session.unreachable':
      return { hosts: event.hosts };
    case 'session.suspended':
      return { reason: event.reason };
    case 'session.lost':
      return { cause: event.loss.cause, message: messageForLoss(event.loss) };
    case 'session.closed':
      return { clean: event.clean };
    case 'lock.queued':
      return { queue: event.queue };
    case 'lock.confirmed':
      return {
        path: event.grant.path,
        fencingToken: event.grant.fencingToken,
        lastRun: event.lastRun,
      };
    case 'run.recorded':
      return { confirmed: event.confirmed };
    case 'lock.released':
      return { confirmed: event.confirmed, message: event.message };
    case 'lock.refused':
    case 'command.unresolved':
    case 'guard.failed':
      return { message: event.message };
    case 'command.armed':
      return { guarded: event.guarded, scope: event.scope };
    case 'command.started':
      return { pid: event.pid };
    case 'command.failed':
      return { exitCode: event.exitCode, message: event.message };
    case 'command.exited':
      return { exit: event.exit, byGuard: event.byGuard };
    case 'command.stopped':
      return { exit: event.exit, means: event.how.means, stragglers: event.how.stragglers };
    case 'command.unkillable':
      return { processes: event.processes, unknown: event.unknown };
    case 'signal.received':
      return { signal: event.signal };
    case 'lock.granted':
    case 'lease.renewed':
    case 'wait.timedOut':
    case 'run.timedOut':
    case 'hold.over':
      return {};
  }
}
