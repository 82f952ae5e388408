/** Messages about the end of a run: the last line of the log, and reasons for hooks. Pure. */
import type { LockexContext, Loss, LossCause } from '../../machines/contract.ts';
import type { CommandExit, Outcome, Output } from '../../machines/outcome.ts';
import { duration } from '../util/duration.ts';
import { error, info, type Line } from './line.ts';
import { OUTCOMES } from './outcomes.ts';

const LOSSES: Readonly<Record<LossCause, string>> = {
  expired: 'the session expired',
  nodeGone: 'the lock node is gone',
  leaseEnding: 'the lease could not be renewed in time',
  silence: 'no server responded for the session timeout',
  guardFired: 'lease not renewed in time: the guard killed the command',
};

/** How the session was lost: the details from the actor, or the text for the cause. */
export function messageForLoss({ cause, message }: Loss): string {
  return message ?? LOSSES[cause];
}

/** The last line. */
export function messageForOutput({ exitCode, outcome, command }: Output): Line {
  const fields = { exitCode, outcome: outcome.kind };
  const message = `done: ${messageForOutcome(outcome, command)}`;
  switch (outcome.kind) {
    case 'exited':
    case 'stopped':
    case 'interrupted':
    // Not a warning: with -q, a cron job that runs on another host logs nothing.
    case 'skipped':
    case 'conflict':
      return info(message, fields);
    default:
      return error(message, fields);
  }
}

function messageForOutcome(outcome: Outcome, command: CommandExit | null): string {
  switch (outcome.kind) {
    case 'exited':
      return `the command ${exitText(command)}`;
    case 'stopped':
      return `the command was stopped on ${outcome.signal}`;
    case 'interrupted':
      return `${outcome.signal} received before the command was started`;
    case 'leftovers':
      return leftoversText(outcome);
    case 'conflict':
      return conflictText(outcome);
    case 'skipped':
      return skippedText(outcome);
    case 'unreachable':
      // Each host has been logged in its own line.
      return 'no ZooKeeper server could be reached';
    case 'lost':
      return `the lock was lost: ${messageForLoss(outcome.loss)}`;
    case 'sessionLost':
      return `${OUTCOMES.sessionLost}: ${messageForLoss(outcome.loss)}`;
    case 'timedOut':
      return timedOutText(outcome);
    case 'unkillable':
      return unkillableText(outcome);
    case 'refused':
    case 'notRunnable':
    case 'failed':
      return outcome.message;
  }
}

type OutcomeOf<Kind extends Outcome['kind']> = Extract<Outcome, { kind: Kind }>;

function timedOutText({ maxRuntimeMs }: OutcomeOf<'timedOut'>): string {
  return `the command exceeded --max-runtime (${duration(maxRuntimeMs)}) and was stopped`;
}

function leftoversText({ processes, signal }: OutcomeOf<'leftovers'>): string {
  if (signal !== null) return `${OUTCOMES.leftovers} on ${signal}`;
  const named = processes.length > 0 ? `: ${processes.join(', ')}` : '';
  return `${OUTCOMES.leftovers}${named} (use --wait-for-all to wait for them)`;
}

function conflictText({ waitMs, holder }: OutcomeOf<'conflict'>): string {
  const waited = waitMs === 0 || waitMs === null ? '' : ` within ${duration(waitMs)}`;
  return `${OUTCOMES.conflict}${waited}: ${holder ?? 'another contender'} holds it`;
}

function skippedText({ lastRun: { agoMs, label } }: OutcomeOf<'skipped'>): string {
  const ago = duration(Math.max(0, Math.round(agoMs / 1000) * 1000));
  return `skipped: ${label || 'another run'} succeeded ${ago} ago`;
}

function unkillableText({ processes, unknown }: OutcomeOf<'unkillable'>): string {
  const parts = [
    ...(processes.length > 0 ? [`still running after SIGKILL: ${processes.join(', ')}`] : []),
    ...(unknown === null ? [] : [`${UNKNOWN_PROCESSES}: ${unknown}`]),
  ];
  return parts.length > 0 ? parts.join('; ') : OUTCOMES.unkillable;
}

/** Used where /proc or a cgroup can't be read. */
export const UNKNOWN_PROCESSES = 'cannot tell whether all processes of the command have exited';

/** The reason for the cleanup; the last line has the details. */
export function messageForCause({ outcome, exit, killAfterMs }: LockexContext): string {
  if (outcome === null) return 'ending';
  const stopping = `stopping the command (SIGKILL after ${duration(killAfterMs)})`;
  switch (outcome.kind) {
    case 'exited':
    case 'leftovers':
      return `the command ${exitText(exit)}`;
    case 'stopped':
      return `${outcome.signal} received: ${stopping}`;
    case 'timedOut':
      return `--max-runtime of ${duration(outcome.maxRuntimeMs)} reached: ${stopping}`;
    case 'interrupted':
      return `${outcome.signal} received`;
    case 'lost':
      return 'the lock was lost';
    case 'sessionLost':
      return 'the session was lost';
    default:
      return OUTCOMES[outcome.kind];
  }
}

function exitText(exit: CommandExit | null): string {
  if (exit === null) return 'ended';
  return exit.signal ? `was killed by ${exit.signal.name}` : `exited with ${exit.code}`;
}
