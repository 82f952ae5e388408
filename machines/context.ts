/** The machine's context when it starts, and its output when it ends. Pure. */
import type { LockexContext, LockexInput } from './contract.ts';
import { exitCodeOf, type Output } from './outcome.ts';

export function initialContext(input: LockexInput): LockexContext {
  return {
    ...input,
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

export function outputOf({ outcome, exit, ...codes }: LockexContext): Output {
  // Every way into cleanup writes an outcome; a machine that ended without one has a bug.
  const why = outcome ?? { kind: 'failed', message: 'ended without a reason' };
  return { exitCode: exitCodeOf(why, exit, codes), outcome: why, command: exit };
}
