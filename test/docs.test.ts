/**
 * Documents: paths, links and anchors exist, and docs/architecture.md describes the tree as it is.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readResults, tableOf } from '../scripts/servers/server-results.ts';
import { MAY_IMPORT } from './tidy/may-import.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const exists = (path: string) => existsSync(join(ROOT, path));

const PAGES = [
  ...['README.md', 'CHANGELOG.md', 'test/faults/README.md', 'test/soak/README.md'],
  ...filesBelow('docs').filter((file) => file.endsWith('.md')),
];
/** Files with comments that name paths. */
const EXAMPLES = filesBelow('docs/examples');

describe.each(PAGES)('%s', (page) => {
  it('has links to existing files and headings', () => {
    const broken = linksIn(textOf(page)).filter((link) => !resolves(page, link));
    expect(broken).toEqual([]);
  });

  it('has one title, and says something before the first section', () => {
    const [title = '', ...blocks] = withoutCode(textOf(page))
      .trim()
      .split(/\n{2,}/);
    expect(title).toMatch(/^# \S/);
    expect(blocks.filter((block) => block.startsWith('# '))).toEqual([]);
    expect(blocks[0]).not.toMatch(/^#/);
  });
});

it.each([...PAGES, ...EXAMPLES])('%s names only paths that exist', (file) => {
  const missing = pathsIn(textOf(file)).filter((path) => !exists(path));
  expect(missing).toEqual([]);
});

it('README.md links every page', () => {
  const linked = linksIn(textOf('README.md')).map((link) => link.split('#')[0]);
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  expect(pages.filter((name) => !linked.includes(`docs/${name}`))).toEqual([]);
});

it('docs/architecture.md links every decision record', () => {
  const linked = linksIn(textOf('docs/architecture.md'));
  const records = readdirSync(join(ROOT, 'docs/decisions')).map((name) => `decisions/${name}`);
  expect(records.filter((record) => !linked.includes(record))).toEqual([]);
});

it('docs/servers.md shows the recorded results', () => {
  expect(textOf('docs/servers.md')).toContain(`\n\n${tableOf(readResults())}\n\n`);
});

describe('a decision record', () => {
  it.each(readdirSync(join(ROOT, 'docs/decisions')))('%s has the standard form', (name) => {
    const text = textOf(`docs/decisions/${name}`);
    const parts = [...text.matchAll(/^\*\*(\w+)\.\*\* \S/gm)].map(([, part]) => part);
    expect(text).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. \\S`));
    expect(parts).toEqual(['Status', 'Context', 'Decision', 'Consequences']);
  });
});

describe('the table of docs/architecture.md', () => {
  const rows = [
    ...textOf('docs/architecture.md').matchAll(/^\| `([\w./-]+)` \| (.+) \| (.*)\|$/gm),
  ];
  const listed = rows.map(([, path = '']) => path);

  it('has each entry point and directory once, and no other', () => {
    const tree = [
      ...['machines', 'scripts', 'src', 'test'].flatMap(directoriesBelow),
      ...readdirSync(join(ROOT, 'src')).map((name) => `src/${name}`),
      ...readdirSync(join(ROOT, 'test')).map((name) => `test/${name}`),
    ];
    // Below test/ only the first level: test/src mirrors src/.
    const isListed = (path: string) =>
      path !== 'src' &&
      (extname(path) === '' || dirname(path) === 'src') &&
      (!path.startsWith('test/') || dirname(path) === 'test');
    expect(listed.toSorted()).toEqual([...new Set(tree.filter(isListed))].sort());
  });

  it.each(rows.filter(([, , , imports = '']) => imports.trim() !== ''))('%s', (...row) => {
    const [, path = '', , imports = ''] = row;
    expect(namesIn(imports).toSorted()).toEqual(importsAllowedBelow(path));
  });

  it('has a rule for every directory with rules of its own', () => {
    const owners = Object.keys(MAY_IMPORT).map(ownerOf);
    const withRule = rows.filter(([, , , imports = '']) => imports.trim() !== '');
    expect(withRule.map(([, path = '']) => path).toSorted()).toEqual([...new Set(owners)].sort());
  });
});

describe('the checks themselves', () => {
  it('find paths, links and headings', () => {
    const text = 'See `src/gone.ts`, test/*.ts and [a](b.md#c), ![p](q.png).\n\n## `-T`: Time, Ä\n';
    expect(pathsIn(text)).toEqual(['src/gone.ts']);
    expect(linksIn(text)).toEqual(['b.md#c', 'q.png']);
    expect(anchorsIn(text)).toEqual(['-t-time-ä']);
    expect(linksIn('    [code](no-link.md)\n\n```\n[code](no-link.md)\n```\n')).toEqual([]);
    expect(resolves('docs/safety.md', 'gone.md')).toBe(false);
    expect(resolves('docs/safety.md', '#gone')).toBe(false);
    expect(resolves('docs/safety.md', 'config.md#which-files-are-trusted')).toBe(true);
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** With the directory itself. */
function directoriesBelow(directory: string): string[] {
  const below = filesBelow(directory).map((file) => dirname(file));
  const parents = below.flatMap((path) => {
    const parts = path.split('/');
    return parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
  });
  return [...new Set([directory, ...parents])];
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '').replace(/^ {4}.*$/gm, '');
}

/** Targets of links and pictures, except those with a scheme. */
function linksIn(text: string): string[] {
  const targets = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, target = '']) => target,
  );
  return targets.filter((target) => !/^\w+:/.test(target));
}

/**
 * Paths of this repository in prose, code and tables; patterns with `*` and placeholders are no
 * paths.
 */
function pathsIn(text: string): string[] {
  const inTree = /(?<![\w./*$-])(?:src|test|machines|scripts|docs)\/[\w./*-]+/g;
  const paths = [...text.matchAll(inTree)].map(([path]) => path.replace(/[.,]+$/, ''));
  return paths.filter((path) => !path.includes('*'));
}

/** As GitHub makes them out of headings: lower case, without punctuation, spaces as hyphens. */
function anchorsIn(text: string): string[] {
  const headings = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!exists(target)) return false;
  return anchor === undefined || anchorsIn(textOf(target)).includes(anchor);
}

/** The row of the table that a file or directory belongs to: at most two levels. */
function ownerOf(path: string): string {
  const [top = '', second] = path.split('/');
  return top === 'src' && second !== undefined && second !== '' ? `src/${second}` : top;
}

/** By directories, for a directory and everything below it; without itself. */
function importsAllowedBelow(directory: string): string[] {
  const rules = Object.entries(MAY_IMPORT).filter(([name]) => ownerOf(name) === directory);
  const allowed = rules.flatMap(([, entries]) => entries).map(ownerOf);
  const others = allowed.filter((name) => name !== directory && basename(name) !== '');
  return [...new Set(others)].sort();
}

/** "Node, `machines`, all of `src`" → node:, machines, src. */
function namesIn(cell: string): string[] {
  const quoted = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  return /\bNode\b/.test(cell) ? ['node:', ...quoted] : quoted;
}
