/** The project's own source files, for the structural tests. Paths are relative to the root. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** TypeScript of the program: machines/ and src/. */
export const SOURCES = [...filesBelow('machines'), ...filesBelow('src')].filter(isTypeScript);

/** Shell, Perl and Python in src/, embedded as text. */
export const SCRIPTS = filesBelow('src').filter((file) => /\.(sh|pl|py)$/.test(file));

/** TypeScript of the tests. */
export const TESTS = filesBelow('test').filter(isTypeScript);

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Returns the files in a directory and in all directories below it. */
export function filesBelow(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Returns what a file imports: relative imports as paths from the root, packages by name. */
export function importsOf(file: string, text = textOf(file)): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom |\bimport\s*)\(?'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), specifier)) : specifier,
  );
}

function isTypeScript(file: string): boolean {
  return file.endsWith('.ts');
}
