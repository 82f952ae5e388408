/**
 * The table of outcomes and exit statuses: the log, the inspector's page, `--help` and the manual
 * page take their texts from here. Pure.
 */
import type { Outcome } from '../../machines/outcome.ts';

/** A short text for each outcome, without details. */
export const OUTCOMES: Readonly<Record<Outcome['kind'], string>> = {
  exited: 'the command exited',
  stopped: 'the command was stopped on request',
  interrupted: 'a signal ended lockex before the command was started',
  skipped: 'another run succeeded recently',
  conflict: 'could not acquire the lock',
  leftovers: 'the command exited with 0, but processes that outlived it had to be stopped',
  timedOut: 'the command exceeded --max-runtime and was stopped',
  lost: 'the lock was lost and the command was stopped',
  unreachable: 'ZooKeeper could not be reached',
  refused: 'the lock was refused',
  sessionLost: 'the session was lost before the command was started',
  unkillable: 'processes of the command survived SIGKILL',
  notRunnable: "the command can't be run",
  failed: 'lockex failed',
};

const FAILURES = ['unreachable', 'refused', 'sessionLost', 'unkillable', 'failed'] as const;

/** Exit statuses with their meaning, except those of the command. */
export const EXIT_STATUSES: readonly (readonly [string, string])[] = [
  ['0', `--once-per: ${OUTCOMES.skipped} (--skip-exit-code sets another status)`],
  ['1', `${OUTCOMES.conflict}: -t timed out, or --no-blocking (-E sets another status)`],
  ['2', 'the command line is wrong'],
  ['122', OUTCOMES.leftovers],
  ['123', OUTCOMES.timedOut],
  ['124', OUTCOMES.lost],
  ['125', FAILURES.map((kind) => OUTCOMES[kind]).join('; ')],
  ['126', "the command can't be executed"],
  ['127', 'the command was not found'],
  ['128+n', 'signal n ended lockex before the command was started'],
];
