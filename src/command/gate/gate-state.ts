/** The states of one gate, from its start to the end of the command. Pure. */
import type { CommandExit } from '../../../machines/outcome.ts';

/** The gate's report when it is parked. */
export interface ParkedGate {
  /** It could not enter the cgroup. */
  readonly outside: boolean;
  /** Variables whose names a shell cannot set will be missing. */
  readonly lossy: boolean;
  /** True if it could set this mark. */
  readonly limit: boolean;
  readonly slack: boolean;
}

/**
 * A gate and its init report on two sockets, and its end is reported separately. So a gate may
 * report that it is parked before its identity is known, and its end may be reported before the
 * last line on its socket is read.
 */
export type GateState =
  | { readonly name: 'starting'; readonly report: ParkedGate | null }
  | { readonly name: 'parked' }
  /** It is being killed, and can't be opened any more. */
  | { readonly name: 'doomed' }
  /** It was opened. The next event on its socket shows whether it has become the command. */
  | { readonly name: 'opening'; readonly exit: CommandExit | null }
  /** It has become the command. */
  | { readonly name: 'started'; readonly exit: CommandExit | null }
  /** It was opened, did not become the command, and is exiting. */
  | { readonly name: 'refused' | 'late'; readonly exit: CommandExit | null }
  | { readonly name: 'ended'; readonly wasCommand: boolean }
  /** Its process was never started. */
  | { readonly name: 'failed' };

/** True once it is opened, unless it failed to become the command. */
export function wasOpened(state: GateState): boolean {
  switch (state.name) {
    case 'opening':
    case 'started':
      return true;
    case 'ended':
      return state.wasCommand;
    case 'starting':
    case 'parked':
    case 'doomed':
    case 'refused':
    case 'late':
    case 'failed':
      return false;
  }
}

/** Its process has been reaped, or was never started. */
export function hasEnded(state: GateState): boolean {
  switch (state.name) {
    case 'opening':
    case 'started':
    case 'refused':
    case 'late':
      return state.exit !== null;
    case 'ended':
    case 'failed':
      return true;
    case 'starting':
    case 'parked':
    case 'doomed':
      return false;
  }
}

/** `flags`: the fields after `parked` in its report (gate.sh). */
export function reportOf(flags: readonly string[]): ParkedGate {
  return {
    outside: flags.includes('outside'),
    lossy: flags.includes('lossy'),
    limit: flags.includes('limit'),
    slack: flags.includes('slack'),
  };
}
