/** The text of the source files: what each opens with, line lengths, file lengths. */
import { describe, expect, it } from 'vitest';
import { SCRIPTS, SOURCES, TESTS, textOf } from './sources.ts';

const MAX_COLUMNS = 100;
const MAX_LINES = 300;
/** In two parts, so that this file does not contain them. */
const PROMISES = new RegExp(`\\b(TO${'DO'}|FIX${'ME'}|XX${'X'}|HA${'CK'})\\b|\\bfor n${'ow'}\\b`);

/** Longer files, with their bounds. An entry may shrink or go; do not add or raise one. */
const LONGER_FILES: Readonly<Record<string, number>> = {
  'machines/lockex.ts': 435,
  'test/faults/standalone.test.ts': 352,
  'test/machines/exhaustive.test.ts': 321,
  'test/machines/world.ts': 508,
  'test/src/inspector/server.test.ts': 323,
  'test/src/zookeeper/error-policy.test.ts': 326,
  'test/src/zookeeper/recipes/recipes.test.ts': 354,
};

it.each(SOURCES)('%s opens with its purpose', (file) => {
  expect(textOf(file).trimStart().startsWith('/**')).toBe(true);
});

it.each(SCRIPTS)('%s starts with its purpose', (file) => {
  expect(textOf(file)).toMatch(/^(# shellcheck shell=sh\n)?# The /);
});

describe.each([...SOURCES, ...SCRIPTS, ...TESTS])('%s', (file) => {
  const text = textOf(file);
  const lines = text.trimEnd().split('\n');

  it('has lines of at most 100 columns', () => {
    const long = lines.filter((line) => line.length > MAX_COLUMNS);
    // Titles and shell commands in tests stay on one line.
    expect(long.filter((line) => !(file.startsWith('test/') && /['"`]/.test(line)))).toEqual([]);
  });

  it('has a length that fits one purpose', () => {
    expect(lines.length).toBeLessThanOrEqual(LONGER_FILES[file] ?? MAX_LINES);
  });

  it('makes no promises', () => {
    expect(text).not.toMatch(PROMISES);
  });
});
