/** The structure of the program: which directory may import which, no cycles, no dead files. */
import { describe, expect, it } from 'vitest';
import { MAY_IMPORT } from './may-import.ts';
import { importsOf, SOURCES, textOf } from './sources.ts';

/** Files that nothing imports: entry points, and type declarations. */
const ENTRY_POINTS = [
  ...['src/launch.ts', 'src/main.ts', 'src/reaper.ts', 'src/standalone.ts', 'src/index.ts'],
  // Loaded on demand, by name (src/run.ts and src/main.ts), or in the browser.
  'src/inspector/page/page.ts',
];

describe.each(SOURCES)('%s', (file) => {
  it('imports only what its directory may', () => {
    const allowed = allowedIn(file);
    const others = importsOf(file).filter(
      (imported) => !allowed.some((prefix) => imported.startsWith(prefix)),
    );
    expect(others).toEqual([]);
  });
});

it('no file is dead: each is imported, or is an entry point', () => {
  const imported = new Set(SOURCES.flatMap((file) => importsOf(file)));
  const dead = SOURCES.filter(
    (file) => !imported.has(file) && !ENTRY_POINTS.includes(file) && !isReplacement(file),
  );
  expect(dead).toEqual([]);
});

it('no two files import each other, directly or through others', () => {
  expect(cyclesIn(new Map(SOURCES.map((file) => [file, importsOf(file)])))).toEqual([]);
});

it('no two directories of src/ import each other, directly or through others', () => {
  const directories = new Map<string, string[]>();
  for (const file of SOURCES) {
    const name = directoryOf(file);
    const imported = importsOf(file)
      .map(directoryOf)
      .filter((other) => other !== name);
    directories.set(name, [...(directories.get(name) ?? []), ...imported]);
  }
  expect(cyclesIn(directories)).toEqual([]);
});

it('the machine does no I/O: it knows neither Node nor timers', () => {
  for (const file of SOURCES.filter((each) => each.startsWith('machines/'))) {
    expect(textOf(file), file).not.toMatch(/\bprocess\.|\bsetTimeout\b|\bconsole\.|from 'node:/);
  }
});

function allowedIn(file: string): readonly string[] {
  const [name = ''] = Object.keys(MAY_IMPORT)
    .filter((each) => file === each || file.startsWith(`${each}/`))
    .sort((one, other) => other.length - one.length);
  const allowed = MAY_IMPORT[name];
  if (allowed === undefined) throw new Error(`MAY_IMPORT has no entry for ${file}`);
  return [...allowed, name];
}

/**
 * A file of src/platform/bun/ takes the place of its namesake; type declarations are not imported.
 */
function isReplacement(file: string): boolean {
  const replaced = file.replace('/bun/', '/');
  return (replaced !== file && SOURCES.includes(replaced)) || file.endsWith('.d.ts');
}

/**
 * `src/zookeeper/session/x.ts` → `src/zookeeper`; files of the root of src/ count for themselves.
 */
function directoryOf(file: string): string {
  const [root = '', name = ''] = file.split('/');
  return root === 'src' ? `${root}/${name}` : root;
}

/** Returns each cycle as a list of names; each starts at the name at which it was found. */
function cyclesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]) => {
    if (path.includes(name)) {
      cycles.push([...path.slice(path.indexOf(name)), name]);
      return;
    }
    if (done.has(name)) return;
    for (const next of imports.get(name) ?? []) if (imports.has(next)) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of imports.keys()) visit(name, []);
  return cycles;
}
