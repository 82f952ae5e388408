/** What the soak is asked for: the options of `npm run soak`. Pure. */
import { parseArgs } from 'node:util';

/** Contenders are dealt to the kinds in this order, so the first gets one more. */
export const LOCK_KINDS = ['semaphore', 'lock', 'shared'] as const;
export type LockKind = (typeof LOCK_KINDS)[number];

export interface SoakOptions {
  /** How long faults are made. */
  readonly minutes: number;
  readonly seed: number;
  readonly kinds: readonly LockKind[];
  readonly contenders: number;
  /** Runs every lockex with `--no-guard`: the judge is to find what then goes wrong. */
  readonly noGuard: boolean;
  /** Leave journals, logs and traces also when all went well. */
  readonly keep: boolean;
}

export const USAGE =
  'usage: npm run soak -- [--minutes N] [--seed S] [--kind lock|semaphore|shared|all]\n' +
  '                       [--contenders K] [--no-guard] [--keep]';
const MAX_MINUTES = 24 * 60;
const MAX_CONTENDERS = 32;
/** A semaphore of two permits has to have a third contender. */
const MIN_CONTENDERS: Readonly<Record<LockKind, number>> = { semaphore: 3, lock: 2, shared: 2 };
const DEFAULT_CONTENDERS = { one: 4, all: 9 };

/** @throws {TypeError} with a line for people */
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
    throw new TypeError(`--minutes: more than 0, at most ${MAX_MINUTES}`);
  }
  const seed = values.seed === undefined ? freshSeed() : wholeNumber(values.seed);
  if (seed === undefined) throw new TypeError('--seed: a whole number');
  const kinds = LOCK_KINDS.filter((kind) => values.kind === 'all' || values.kind === kind);
  if (kinds.length === 0) throw new TypeError(`--kind: ${LOCK_KINDS.join(', ')} or all`);
  const contenders = contendersOf(kinds, values.contenders);
  return { minutes, seed, kinds, contenders, noGuard: values['no-guard'], keep: values.keep };
}

/** The command line that makes the same faults again. */
export function commandLineOf(options: Omit<SoakOptions, 'keep'>): string {
  const { minutes, seed, kinds, contenders, noGuard } = options;
  const kind = kinds.length === 1 ? kinds[0] : 'all';
  const words = `--minutes ${minutes} --seed ${seed} --kind ${kind} --contenders ${contenders}`;
  return `npm run soak -- ${words}${noGuard ? ' --no-guard' : ''}`;
}

function contendersOf(kinds: readonly LockKind[], given: string | undefined): number {
  const { one, all } = DEFAULT_CONTENDERS;
  const contenders = given === undefined ? (kinds.length === 1 ? one : all) : wholeNumber(given);
  const least = kinds.reduce((sum, kind) => sum + MIN_CONTENDERS[kind], 0);
  if (contenders === undefined || contenders < least || contenders > MAX_CONTENDERS) {
    throw new TypeError(`--contenders: from ${least} to ${MAX_CONTENDERS} for these locks`);
  }
  return contenders;
}

function wholeNumber(text: string): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
