/** What the soak is asked for: `--minutes N --seed S --contenders K --keep`. Pure. */
import { parseArgs } from 'node:util';

export interface SoakOptions {
  /** How long faults are made. */
  readonly minutes: number;
  readonly seed: number;
  readonly contenders: number;
  /** Leave journal, logs and traces also when all went well. */
  readonly keep: boolean;
}

export const USAGE = 'usage: npm run soak -- [--minutes N] [--seed S] [--contenders K] [--keep]';
const LONGEST_MINUTES = 24 * 60;
const MOST_CONTENDERS = 32;

/** @throws {TypeError} with a line for people */
export function parseSoakOptions(argv: readonly string[], freshSeed: () => number): SoakOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string' },
      contenders: { type: 'string', default: '4' },
      keep: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= LONGEST_MINUTES)) {
    throw new TypeError(`--minutes: more than 0, at most ${LONGEST_MINUTES}`);
  }
  const seed = values.seed === undefined ? freshSeed() : wholeNumber(values.seed);
  if (seed === undefined) throw new TypeError('--seed: a whole number');
  const contenders = wholeNumber(values.contenders);
  if (contenders === undefined || contenders < 2 || contenders > MOST_CONTENDERS) {
    throw new TypeError(`--contenders: from 2 to ${MOST_CONTENDERS}`);
  }
  return { minutes, seed, contenders, keep: values.keep };
}

function wholeNumber(text: string): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
