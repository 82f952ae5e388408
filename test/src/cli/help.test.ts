/** The text of `--help`. */
import { describe, expect, it } from 'vitest';
import { configHelpText, helpText, statusHelpText } from '../../../src/cli/help.ts';
import type { OptionSpec } from '../../../src/cli/option-spec.ts';
import { SPECS } from '../../../src/cli/options.ts';

const text = helpText();

it.each([
  ['lockex', text],
  ['lockex status', statusHelpText()],
  ['lockex config', configHelpText()],
])('%s --help fits 80 columns, without tabs or trailing spaces', (_, help) => {
  for (const line of help.split('\n')) {
    expect(line.length, line).toBeLessThanOrEqual(80);
    expect(line).not.toMatch(/\t|\s$/);
  }
});

it.each(SPECS.map((spec): [string, OptionSpec] => [spec.name, spec]))(
  'shows --%s with its letter, value and default',
  (name, { letter, value, default: standard, negatable, isValueOptional }) => {
    const long = negatable ? `--[no-]${name}` : `--${name}`;
    const typed = isValueOptional ? `[=${value}]` : ` ${value}`;
    const shown = (letter ? `-${letter}, ` : '') + long + (value ? typed : '');
    const start = text.indexOf(`  ${shown}`);
    expect(start).toBeGreaterThan(0);
    const [entry = ''] = text.slice(start).split(/\n {2,6}-|\n\n/);
    const flat = entry.replace(/\s+/g, ' ');
    if (standard !== undefined) expect(flat).toContain(`(default: ${standard})`);
  },
);

it('each letter and each name is used once', () => {
  const letters = SPECS.flatMap(({ letter }) => letter ?? []);
  expect(new Set(letters).size).toBe(letters.length);
  expect(new Set(SPECS.map(({ name }) => name)).size).toBe(SPECS.length);
});

describe('it shows', () => {
  it.each([
    ['the cold standby', 'lockex -- /usr/local/bin/redis-server /etc/redis.conf'],
    ['the cron job', 'lockex -t 1 -- '],
    ['the source of the host list', '$ZKHOSTS, else localhost:2181'],
  ])('%s', (_, expected) => {
    expect(text.replace(/\s+/g, ' ')).toContain(expected);
  });

  it('every exit status', () => {
    for (const status of ['1', '2', '124', '125', '126', '127', '128+n']) {
      expect(text).toMatch(new RegExp(`^ +${status.replace('+', '\\+')} +\\S`, 'm'));
    }
  });
});
