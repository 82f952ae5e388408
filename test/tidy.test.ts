/** Style that is held by a test: who may import whom, and what is not to be found in the tree. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Written down once, here. A folder may import from itself and from what is named; `.` is the files
 * that lie directly in src/.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  machines: ['xstate'],
  'src/zookeeper': [
    ...['node:', 'node-zookeeper-client', 'machines'],
    ...['src/access.ts', 'src/clock.ts', 'src/random.ts'],
  ],
  'src/command': ['node:', 'machines', 'src/clock.ts', 'src/outlet.ts', 'src/random.ts'],
  'src/hooks': ['node:'],
  'src/status': [
    'node:',
    'machines',
    'src/access.ts',
    'src/clock.ts',
    'src/settings.ts',
    'src/zookeeper',
    'src/cli/printable.ts',
  ],
  'src/inspector': [
    'node:',
    'ws',
    'machines',
    'src/access.ts',
    'src/clock.ts',
    'src/settings.ts',
    'src/zookeeper',
    'src/status',
  ],
  'src/cli': [
    ...['node:', 'cac', 'winston', 'logform', 'machines'],
    ...['src/access.ts', 'src/clock.ts', 'src/settings.ts'],
  ],
};
/** Files in src/ that others may use are leaves: they import nothing but Node and the contract. */
const LEAVES = [
  'src/access.ts',
  'src/clock.ts',
  'src/outlet.ts',
  'src/random.ts',
  'src/settings.ts',
  'src/version.ts',
];

const LONGEST_LINE = 110;
const LONGEST_FILE = 500;

const sources = [...filesBelow('machines'), ...filesBelow('src')].filter((file) =>
  file.endsWith('.ts'),
);

describe.each(sources)('%s', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');

  it('opens with what it is for', () => {
    expect(text.trimStart().startsWith('/**')).toBe(true);
  });

  it('imports only what its folder may', () => {
    const folder = Object.keys(MAY_IMPORT).find((name) => file.startsWith(`${name}/`));
    const allowed = LEAVES.includes(file)
      ? ['node:', 'machines', 'package.json', 'src/access.ts']
      : folder && [...(MAY_IMPORT[folder] ?? []), folder];
    if (!allowed) return;
    const strangers = importsOf(file, text).filter(
      (imported) => !allowed.some((prefix) => imported.startsWith(prefix)),
    );
    expect(strangers).toEqual([]);
  });

  it('has lines and a length that fit', () => {
    const lines = text.split('\n');
    expect(lines.filter((line) => line.length > LONGEST_LINE)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(LONGEST_FILE);
  });

  it('makes no promises', () => {
    expect(text).not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b/);
  });
});

describe('the machine', () => {
  it('does no I/O: it knows neither Node nor timers', () => {
    for (const file of filesBelow('machines')) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      expect(text, file).not.toMatch(/\bprocess\.|\bsetTimeout\b|\bconsole\.|from 'node:/);
    }
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Relative imports as paths from the root, packages by name. */
function importsOf(file: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:from |import\s*)\(?'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), specifier)) : specifier,
  );
}
