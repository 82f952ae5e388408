/**
 * Why a run of lockex ended, and the exit status that says so. The first cause wins: the machine
 * writes an outcome once, and what happens while it cleans up makes that faster, never another
 * story.
 */

/** How a command ended: by itself with a status, or by a signal. */
export interface CommandExit {
  /** Exit status, 0 to 255; null when a signal killed it. */
  readonly code: number | null;
  /** Name and number of the signal that killed it (`SIGKILL`, 9); null when it exited. */
  readonly signal: { readonly name: string; readonly number: number } | null;
}

export type Outcome =
  /** The command ended by itself; its status is in `Output.command`. */
  | { readonly kind: 'exited' }
  /** The command ended by itself with 0, but processes that it had left behind had to be stopped. */
  | { readonly kind: 'leftovers'; readonly message: string }
  /** The command ran and was stopped on request (SIGTERM); its status is in `Output.command`. */
  | { readonly kind: 'stopped'; readonly signal: string }
  /** A signal ended lockex before the command had started. */
  | { readonly kind: 'interrupted'; readonly signal: string; readonly number: number }
  /** The lock was not had: `-t` ran out, or `--no-blocking` found it taken. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** Somebody finished it successfully a short while ago (`--once-per`). */
  | { readonly kind: 'skipped'; readonly message: string }
  /** No server could be reached. */
  | { readonly kind: 'unreachable'; readonly message: string }
  /** ZooKeeper or another contender's data says no: wrong N, wrong kind of lock, no rights. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The session ended before the command was started. */
  | { readonly kind: 'sessionLost'; readonly message: string }
  /** The lock was lost while the command ran; the command was stopped for it. */
  | { readonly kind: 'lost'; readonly message: string }
  /** The command ran for too long, and was stopped for it (`--max-runtime`). */
  | { readonly kind: 'timedOut'; readonly message: string }
  /** The command can't be run (126) or was not found (127). */
  | { readonly kind: 'notRunnable'; readonly exitCode: 126 | 127; readonly message: string }
  /** lockex itself failed. */
  | { readonly kind: 'failed'; readonly message: string };

/** What the machine's final state gives out; the CLI turns it into an exit status and nothing else. */
export interface Output {
  /** 0 to 255. */
  readonly exitCode: number;
  readonly outcome: Outcome;
  /** How the command ended; null when it was never started. */
  readonly command: CommandExit | null;
}

const EXIT_LEFTOVERS = 122;
const EXIT_OVERRAN = 123;
const EXIT_LOST = 124;
export const EXIT_FAILED = 125;

/** 128 + n, as shells report a death by signal n. */
const SIGNAL_BASE = 128;
const SIGTERM = 15;

/** What the user has chosen. */
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
      // It may not have come to its start.
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
      return EXIT_OVERRAN;
    case 'lost':
      return EXIT_LOST;
    case 'unreachable':
    case 'refused':
    case 'sessionLost':
    case 'failed':
      return EXIT_FAILED;
  }
}

function exitCodeOfCommand({ code, signal }: CommandExit): number {
  if (signal !== null) return SIGNAL_BASE + signal.number;
  return code ?? EXIT_FAILED;
}
