/** The machine's context when it starts, and its output when it ends. Pure. */
import type { LockexContext, LockexInput } from './contract.ts';
import { exitCodeOf, type Output } from './outcome.ts';

/**
 * Copies the machine's own settings by name. Other fields of the input (such as all settings of a
 * library user) do not enter the context, which inspectors receive.
 */
export function initialContext(input: LockexInput): LockexContext {
  return {
    connectTries: input.connectTries,
    lockTries: input.lockTries,
    waitMs: input.waitMs,
    onLost: input.onLost,
    killAfterMs: input.killAfterMs,
    conflictExitCode: input.conflictExitCode,
    maxRuntimeMs: input.maxRuntimeMs,
    leftovers: input.leftovers,
    holdMs: input.holdMs,
    oncePerMs: input.oncePerMs,
    skipExitCode: input.skipExitCode,
    session: null,
    queue: null,
    lease: null,
    grant: null,
    pid: null,
    exit: null,
    stopReport: null,
    connectTriesLeft: input.connectTries,
    lockTriesLeft: input.lockTries,
    patience: 'fresh',
    isHolding: false,
    loss: null,
    outcome: null,
  };
}

/** @throws Error without an outcome: every transition into cleanup writes one. */
export function outputOf({ outcome, exit, ...codes }: LockexContext): Output {
  if (outcome === null) throw new Error('the machine has no outcome');
  return { exitCode: exitCodeOf(outcome, exit, codes), outcome, command: exit };
}
