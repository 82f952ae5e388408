/** The states of one gate, from its start to the end of the command that it became. Pure. */
import type { CommandExit } from '../../../machines/outcome.ts';

/** What the gate reports when it is parked. */
export interface ParkedGate {
  /** It could not enter the cgroup. */
  readonly outside: boolean;
  /** Variables whose names a shell cannot hold will be missing. */
  readonly lossy: boolean;
  /** The marks that it could set. */
  readonly limit: boolean;
  readonly slack: boolean;
}

/**
 * A gate and its init report on two sockets, and its end is reported apart from both: so a gate may
 * have reported that it is parked before its identity is known, and may have ended before the last
 * line on its socket was read.
 */
export type GateState =
  | { readonly name: 'starting'; readonly report: ParkedGate | null }
  | { readonly name: 'parked' }
  /** It can't be opened any more, and is being killed. */
  | { readonly name: 'doomed' }
  /** It was opened. Its socket says next whether it is the command. */
  | { readonly name: 'opening'; readonly exit: CommandExit | null }
  /** It is the command. */
  | { readonly name: 'started'; readonly exit: CommandExit | null }
  /** It was opened, but did not become the command, and is ending. */
  | { readonly name: 'refused' | 'late'; readonly exit: CommandExit | null }
  | { readonly name: 'ended'; readonly wasCommand: boolean }
  /** Its process was never started. */
  | { readonly name: 'failed' };

/** True from its opening on, unless it turned out that it did not become the command. */
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

/** From the words behind `parked` in its report (gate-script.ts). */
export function reportOf(words: readonly string[]): ParkedGate {
  return {
    outside: words.includes('outside'),
    lossy: words.includes('lossy'),
    limit: words.includes('limit'),
    slack: words.includes('slack'),
  };
}
