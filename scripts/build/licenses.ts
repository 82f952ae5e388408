/** The licences of the packages that a bundle holds. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param root the project's directory
 * @param inputs files that went into a bundle, relative to `root` (esbuild's metafile)
 * @returns one text: each package with its version, licence, and where it comes from
 * @throws {Error} when a package says nothing of its licence: it can't be bundled then
 */
export function licensesOf(root: string, inputs: string[]): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const directories = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  const parts = [...directories].sort().map((directory) => {
    const { name, version, license, licenses, repository, homepage } = JSON.parse(
      readFileSync(join(root, directory, 'package.json'), 'utf8'),
    );
    const kind = license ?? licenses?.[0]?.type;
    const file = readdirSync(join(root, directory)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!kind && !file) throw new Error(`${name} says nothing of its licence`);
    const text = file
      ? readFileSync(join(root, directory, file), 'utf8').trim()
      : `License: ${kind}`;
    const source = repository?.url ?? repository ?? homepage ?? 'not told';
    const { integrity = 'not told' } = packages[directory] ?? {};
    const from = `source: ${source}\nnpm: ${name}@${version} ${integrity}`;
    return `${name} ${version} (${kind})\n${from}\n\n${text}\n`;
  });
  return `lockex is bundled with these packages.\n\n${parts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

/** `node_modules/a/node_modules/@b/c/lib/x.js` → `node_modules/a/node_modules/@b/c` */
function packageFolder(input: string) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  const directory = match?.[1];
  return directory !== undefined && existsSync(directory) ? directory : null;
}
