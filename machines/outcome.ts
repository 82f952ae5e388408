/**
 * The reason why a run of lockex ended, as data, and its exit status. The first cause wins: the
 * machine writes an outcome once, and later events can only make the cleanup faster. Texts are in
 * `src/log/`.
 */
import type { HostFailure, LastRun, Loss } from './facts.ts';

/** How a command ended: it exited with a status, or a signal killed it. */
export interface CommandExit {
  /** Exit status, 0 to 255; null when a signal killed it. */
  readonly code: number | null;
  /** Name and number of the signal that killed it (`SIGKILL`, 9); null when it exited. */
  readonly signal: { readonly name: string; readonly number: number } | null;
}

export type Outcome =
  /** The command exited by itself; its status is in `Output.command`. */
  | { readonly kind: 'exited' }
  /** The command exited with 0, but processes that outlived it had to be stopped. */
  | {
      readonly kind: 'leftovers';
      /** `name[pid]`; empty if they were stopped before they were listed. */
      readonly processes: readonly string[];
      /** The signal on which they were stopped (`--wait-for-all`); null: none. */
      readonly signal: string | null;
    }
  /** The command ran and was stopped on request (SIGTERM); its status is in `Output.command`. */
  | { readonly kind: 'stopped'; readonly signal: string }
  /** A signal ended lockex before the command was started. */
  | { readonly kind: 'interrupted'; readonly signal: string; readonly number: number }
  /** The lock could not be acquired: `-t` ran out, or `--no-blocking` found it taken. */
  | {
      readonly kind: 'conflict';
      /** `-t`; null or 0: lockex did not wait. */
      readonly waitMs: number | null;
      /** Label of a holder; null if no holder's name is known. */
      readonly holder: string | null;
    }
  /** Another run succeeded a short while ago (`--once-per`). */
  | { readonly kind: 'skipped'; readonly lastRun: LastRun }
  /** No server could be reached. */
  | { readonly kind: 'unreachable'; readonly hosts: readonly HostFailure[] }
  /** The lock can't be used: another N or kind of lock, or no permission. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The session ended before the command was started. */
  | { readonly kind: 'sessionLost'; readonly loss: Loss }
  /** The lock was lost while the command ran, and the command was stopped. */
  | { readonly kind: 'lost'; readonly loss: Loss }
  /** The command exceeded `--max-runtime`, and was stopped. */
  | { readonly kind: 'timedOut'; readonly maxRuntimeMs: number }
  /** The command can't be executed (126) or was not found (127). */
  | { readonly kind: 'notRunnable'; readonly exitCode: 126 | 127; readonly message: string }
  /** The session was lost while processes of the command survived SIGKILL. */
  | {
      readonly kind: 'unkillable';
      /** `name[pid]` */
      readonly processes: readonly string[];
      /** The reason if it is unknown whether there are others; null if it is known. */
      readonly unknown: string | null;
    }
  /** lockex itself failed: no guard or gate could be started. */
  | { readonly kind: 'failed'; readonly message: string };

/** The machine's output. */
export interface Output {
  /** 0 to 255. */
  readonly exitCode: number;
  readonly outcome: Outcome;
  /** How the command ended; null when it was never started. */
  readonly command: CommandExit | null;
}

const EXIT_LEFTOVERS = 122;
const EXIT_TIMED_OUT = 123;
const EXIT_LOST = 124;
export const EXIT_FAILED = 125;

/** 128 + n, as shells report a process that was killed by signal n. */
const SIGNAL_BASE = 128;
const SIGTERM = 15;

/** Exit statuses that the user has chosen. */
export interface ExitCodes {
  /** `-E` */
  readonly conflictExitCode: number;
  /** `--skip-exit-code` */
  readonly skipExitCode: number;
}

/** The exit status for an outcome. */
export function exitCodeOf(
  outcome: Outcome,
  command: CommandExit | null,
  { conflictExitCode, skipExitCode }: ExitCodes,
): number {
  switch (outcome.kind) {
    case 'exited':
      return command === null ? EXIT_FAILED : exitCodeOfCommand(command);
    case 'leftovers':
      return EXIT_LEFTOVERS;
    case 'stopped':
      // The gate may not have been opened yet.
      return command === null ? SIGNAL_BASE + SIGTERM : exitCodeOfCommand(command);
    case 'interrupted':
      return SIGNAL_BASE + outcome.number;
    case 'conflict':
      return conflictExitCode;
    case 'skipped':
      return skipExitCode;
    case 'notRunnable':
      return outcome.exitCode;
    case 'timedOut':
      return EXIT_TIMED_OUT;
    case 'lost':
      return EXIT_LOST;
    case 'unreachable':
    case 'refused':
    case 'sessionLost':
    case 'unkillable':
    case 'failed':
      return EXIT_FAILED;
  }
}

function exitCodeOfCommand({ code, signal }: CommandExit): number {
  if (signal !== null) return SIGNAL_BASE + signal.number;
  return code ?? EXIT_FAILED;
}
