/**
 * No regular expression may cost more than a few steps for each character: what is matched was
 * typed by users, or written by neighbours and servers. recheck finds those that backtrack, or that
 * search again from each place.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { checkSync } from 'recheck';
import { expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Expression {
  readonly pattern: string;
  readonly flags: string;
}

/** recheck takes null for no bound, which its types do not know. */
const UNBOUNDED = { timeout: null as unknown as number };

/** By `/pattern/flags`, with a file that has it. */
const expressions = new Map<string, Expression & { readonly file: string }>();
for (const directory of ['src', 'machines']) {
  for (const name of readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = `${directory}/${name}`;
    for (const found of expressionsIn(readFileSync(join(ROOT, file), 'utf8'))) {
      expressions.set(`/${found.pattern}/${found.flags}`, { ...found, file });
    }
  }
}

it('are found', () => {
  expect(expressions.size).toBeGreaterThan(40);
  expect(expressionsIn('const text: string = a / b / c; /x+$/.test("/y/")')).toEqual([
    { pattern: 'x+$', flags: '' },
  ]);
});

it.each([...expressions])('%s takes linear time', (_, { pattern, flags, file }) => {
  const { status, type, checker } = complexityOf(pattern, flags);
  expect({ file, status, type, checker }).toEqual({
    file,
    status: 'safe',
    checker: 'automaton',
    type: expect.stringMatching(/^(safe|linear)$/),
  });
});

it('such as this one, which it replaced, does not', () => {
  expect(complexityOf('^\\/+|\\/+$', 'g').type).toBe('polynomial');
});

it('are made at run time in two places only, of what no stranger writes', () => {
  const makers = [...expressionMakers()].sort();
  // A class of characters, repeated; the tags of our own page.
  expect(makers).toEqual(['src/inspector/main.ts', 'src/util/printable.ts']);
});

function complexityOf(pattern: string, flags: string) {
  // Without a bound in time, and not by trying: so the verdict is the same on each machine.
  const found = checkSync(pattern, flags, UNBOUNDED);
  const { status, checker } = found;
  return { status, checker, type: 'complexity' in found ? found.complexity?.type : undefined };
}

function* expressionMakers(): Generator<string> {
  for (const name of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    const file = `src/${name}`;
    if (name.endsWith('.ts') && /\bRegExp\(/.test(readFileSync(join(ROOT, file), 'utf8'))) {
      yield file;
    }
  }
}

function expressionsIn(typescript: string): Expression[] {
  const { code } = transformSync(typescript, { loader: 'ts' });
  const found: Expression[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { regex } = node as { readonly regex?: Expression };
    if (regex !== undefined) found.push({ pattern: regex.pattern, flags: regex.flags });
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(code));
  return found;
}
