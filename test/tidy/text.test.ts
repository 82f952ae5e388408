/** The text of the source files: what each opens with, line lengths, file lengths. */
import { describe, expect, it } from 'vitest';
import { SCRIPTS, SOURCES, TESTS, textOf } from './sources.ts';

const MAX_COLUMNS = 100;
const MAX_LINES = 300;

/** Longer files, with their bounds. An entry may shrink or go; do not add or raise one. */
const LONGER_FILES: Readonly<Record<string, number>> = {};

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
    expect(lines.filter((line) => line.length > MAX_COLUMNS)).toEqual([]);
  });

  it('has a length that fits one purpose', () => {
    expect(lines.length).toBeLessThanOrEqual(LONGER_FILES[file] ?? MAX_LINES);
  });

  it('makes no promises', () => {
    expect(text).not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b/);
  });
});
