/** docs/SECURITY.md: each row of its tables names a test that is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TEXT = readFileSync(join(ROOT, 'docs/SECURITY.md'), 'utf8');

/** Rows of tables whose last column is named `test`, without their heads. */
const rows = TEXT.split('\n\n')
  .filter((block) => /^\|.*\| test \|$/m.test(block.split('\n')[0] ?? ''))
  .flatMap((block) => block.trim().split('\n').slice(2));

it('has rows for each boundary', () => {
  expect(rows.length).toBeGreaterThan(35);
  const named = rows.map((row) => testIn(row)?.file);
  for (const file of ['tls', 'neighbours', 'config', 'server', 'trusted-file', 'output', 'cost']) {
    expect(
      named.some((name) => name?.endsWith(`/${file}.test.ts`)),
      file,
    ).toBe(true);
  }
});

describe.each(rows)('%s', (row) => {
  it('names a test that is there', () => {
    const test = testIn(row);
    if (test === null) throw new Error('no test at the end of the row');
    expect(existsSync(join(ROOT, test.file)), test.file).toBe(true);
    expect(readFileSync(join(ROOT, test.file), 'utf8')).toContain(test.name);
  });
});

function testIn(row: string): { readonly file: string; readonly name: string } | null {
  const [, file, name] = /\| (test\/[\w./-]+\.test\.ts): `([^`]+)` \|$/.exec(row) ?? [];
  return file === undefined || name === undefined ? null : { file, name };
}
