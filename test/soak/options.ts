/** The options of `npm run soak`. Pure. */
import { parseArgs } from 'node:util';

/** Contenders are distributed to the kinds in this order, so the first kinds get more. */
export const LOCK_KINDS = ['semaphore', 'lock', 'shared'] as const;
export type LockKind = (typeof LOCK_KINDS)[number];

export interface SoakOptions {
  /** Duration of the faults. */
  readonly minutes: number;
  readonly seed: number;
  readonly kinds: readonly LockKind[];
  readonly contenders: number;
  /** Runs every lockex with `--no-guard`, to show that the judge detects violations. */
  readonly noGuard: boolean;
  /** Keeps journals, logs and traces after a success. */
  readonly keep: boolean;
}

export const USAGE =
  'usage: npm run soak -- [--minutes N] [--seed S] [--kind lock|semaphore|shared|all]\n' +
  '                       [--contenders K] [--no-guard] [--keep]';
const MAX_MINUTES = 24 * 60;
const MAX_CONTENDERS = 32;
/** A semaphore of two permits needs a third contender. */
const MIN_CONTENDERS: Readonly<Record<LockKind, number>> = { semaphore: 3, lock: 2, shared: 2 };
const DEFAULT_CONTENDERS = { one: 4, all: 9 };

/** @throws {TypeError} with a message for the user */
export function parseSoakOptions(argv: readonly string[], freshSeed: () => number): SoakOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string' },
      kind: { type: 'string', default: 'all' },
      contenders: { type: 'string' },
      'no-guard': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= MAX_MINUTES)) {
    throw new TypeError(`--minutes expects a number above 0, at most ${MAX_MINUTES}`);
  }
  const seed = values.seed === undefined ? freshSeed() : wholeNumber(values.seed);
  if (seed === undefined) throw new TypeError('--seed expects a whole number');
  const kinds = LOCK_KINDS.filter((kind) => values.kind === 'all' || values.kind === kind);
  if (kinds.length === 0) throw new TypeError(`--kind expects ${LOCK_KINDS.join(', ')} or all`);
  const contenders = contendersOf(kinds, values.contenders);
  return { minutes, seed, kinds, contenders, noGuard: values['no-guard'], keep: values.keep };
}

/** The command line that replays the same faults. */
export function commandLineOf(options: Omit<SoakOptions, 'keep'>): string {
  const { minutes, seed, kinds, contenders, noGuard } = options;
  const kind = kinds.length === 1 ? kinds[0] : 'all';
  const args = `--minutes ${minutes} --seed ${seed} --kind ${kind} --contenders ${contenders}`;
  return `npm run soak -- ${args}${noGuard ? ' --no-guard' : ''}`;
}

function contendersOf(kinds: readonly LockKind[], text: string | undefined): number {
  const { one, all } = DEFAULT_CONTENDERS;
  const contenders = text === undefined ? (kinds.length === 1 ? one : all) : wholeNumber(text);
  const min = kinds.reduce((sum, kind) => sum + MIN_CONTENDERS[kind], 0);
  if (contenders === undefined || contenders < min || contenders > MAX_CONTENDERS) {
    throw new TypeError(
      `--contenders expects a number from ${min} to ${MAX_CONTENDERS} for these locks`,
    );
  }
  return contenders;
}

function wholeNumber(text: string): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
