/**
 * test/messages.txt lists every text of the sources that lockex may print: log messages, errors,
 * help, the page. It is generated from the syntax trees, so that all of them can be reviewed in one
 * place.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIST = join(ROOT, 'test/messages.txt');
/** Programs for sh, perl and python3, not texts. */
const SCRIPTS = /-(script|ending|perl|python)\.ts$/;
/** Types, and names of modules. */
const NO_MESSAGES = new Set(['ImportDeclaration', 'TSLiteralType']);
/** Two words with a space between them. Names, paths, patterns and keys have none. */
const MESSAGE = /[\p{L}\d)}'’…,:;.?](\n| )['‘({$\p{L}\d…]/u;

/** A node of ESTree, as far as this test reads it. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

/** The text of a literal, with `${…}` for each expression; null for all other nodes. */
function textOf(node: Node): string | null {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null;
  if (node.type !== 'TemplateLiteral') return null;
  const names = (node['expressions'] as Node[]).map((expression) => `\${${nameOf(expression)}}`);
  const parts = node['quasis'] as { readonly value: { readonly cooked: string } }[];
  return parts.map(({ value }, index) => value.cooked + (names[index] ?? '')).join('');
}

/** The last identifier of an expression: it shows the meaning without the code. */
function nameOf(expression: Node): string {
  if (expression.type === 'Identifier') return String(expression['name']);
  const [argument] =
    expression.type === 'CallExpression' ? (expression['arguments'] as Node[]) : [];
  const inner = argument ?? expression['property'] ?? expression['callee'];
  return isNode(inner) ? nameOf(inner) : '…';
}

/** The messages of a source file, in their order, each after the file's name. */
function messagesIn(file: string, source: string): string[] {
  const found: string[] = [];
  const visit = (node: Node): void => {
    if (NO_MESSAGES.has(node.type)) return;
    const message = textOf(node);
    if (message !== null && MESSAGE.test(message) && /\p{L}/u.test(message)) {
      found.push(`${file}: ${JSON.stringify(message).slice(1, -1)}`);
    }
    childrenOf(node).forEach(visit);
  };
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node);
  return found;
}

function sourcesBelow(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !SCRIPTS.test(name))
    .map(({ parentPath, name }) => join(relative(ROOT, parentPath), name))
    .sort();
}

it('finds literals, templates and texts of several lines, and nothing else', () => {
  const source = `
    import { x } from 'a b';
    type Kind = 'no message';
    // 'a comment of some words'
    log('plain text', 'name', \`\${count} of \${lock.id}: \${quoted(text)}\`, /a b/);
    const help = \`two
lines\`;
  `;
  expect(messagesIn('f.ts', source)).toEqual([
    'f.ts: plain text',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as the list shows it
    'f.ts: ${count} of ${id}: ${text}',
    'f.ts: two\\nlines',
  ]);
});

it('test/messages.txt lists the messages of all sources', async () => {
  const files = [...sourcesBelow('machines'), ...sourcesBelow('src')];
  const messages = files.flatMap((file) =>
    messagesIn(file, readFileSync(join(ROOT, file), 'utf8')),
  );
  expect(messages.length).toBeGreaterThan(300);
  const hint = 'stale: run npx vitest run test/messages.test.ts --update, and review the changes';
  // Without the file, the assertion would create it and pass.
  expect(existsSync(LIST), hint).toBe(true);
  await expect([...messages, ''].join('\n'), hint).toMatchFileSnapshot(LIST);
});
