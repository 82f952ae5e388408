/** `--help`, as people read it on a terminal. */
import { describe, expect, it } from 'vitest';
import { helpText } from '../../../src/cli/help.ts';
import { type OptionSpec, SPECS } from '../../../src/cli/options.ts';

const text = helpText();

it('fits 80 columns, without tabs or spaces at the end of a line', () => {
  for (const line of text.split('\n')) {
    expect(line.length, line).toBeLessThanOrEqual(80);
    expect(line).not.toMatch(/\t|\s$/);
  }
});

it.each(SPECS.map((spec): [string, OptionSpec] => [spec.name, spec]))(
  'shows --%s with its letter, its value and its default',
  (name, { letter, value, default: standard, negatable, isValueOptional }) => {
    const long = negatable ? `--[no-]${name}` : `--${name}`;
    const typed = isValueOptional ? `[=${value}]` : ` ${value}`;
    const shown = (letter ? `-${letter}, ` : '') + long + (value ? typed : '');
    const start = text.indexOf(`  ${shown}`);
    expect(start).toBeGreaterThan(0);
    const [entry = ''] = text.slice(start).split(/\n {2,6}-|\n\n/);
    const words = entry.replace(/\s+/g, ' ');
    if (standard !== undefined) expect(words).toContain(`(default: ${standard})`);
  },
);

it('no letter and no name is given twice', () => {
  const letters = SPECS.flatMap(({ letter }) => letter ?? []);
  expect(new Set(letters).size).toBe(letters.length);
  expect(new Set(SPECS.map(({ name }) => name)).size).toBe(SPECS.length);
});

describe('shows', () => {
  it.each([
    ['the cold standby', 'lockex -- /usr/local/bin/redis-server /etc/redis.conf'],
    ['the cron job', 'lockex -t 1 -- '],
    ['where servers come from', '$ZKHOSTS, else localhost:2181'],
  ])('%s', (_, words) => {
    expect(text.replace(/\s+/g, ' ')).toContain(words);
  });

  it('every exit status', () => {
    for (const status of ['1', '2', '124', '125', '126', '127', '128+n']) {
      expect(text).toMatch(new RegExp(`^ +${status.replace('+', '\\+')} +\\S`, 'm'));
    }
  });
});
