/** The licences of the packages in a bundle. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param root the project's directory
 * @param inputs files that went into a bundle, relative to `root` (esbuild's metafile)
 * @returns a text with the version, licence and source of each package
 * @throws {Error} if a package does not name its licence: it can't be bundled
 */
export function licensesOf(root: string, inputs: string[]): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const directories = new Set(inputs.flatMap((input) => packageDirectory(input) ?? []));
  const parts = [...directories].sort().map((directory) => {
    const { name, version, license, licenses, repository, homepage } = JSON.parse(
      readFileSync(join(root, directory, 'package.json'), 'utf8'),
    );
    const kind = license ?? licenses?.[0]?.type;
    const file = readdirSync(join(root, directory)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!kind && !file) throw new Error(`${name} does not name its licence`);
    const text = file
      ? readFileSync(join(root, directory, file), 'utf8').trim()
      : `License: ${kind}`;
    const source = repository?.url ?? repository ?? homepage ?? 'unknown';
    const { integrity = 'unknown' } = packages[directory] ?? {};
    const from = `source: ${source}\nnpm: ${name}@${version} ${integrity}`;
    return `${name} ${version} (${kind})\n${from}\n\n${text}\n`;
  });
  return `lockex is bundled with these packages.\n\n${parts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

/** `node_modules/a/node_modules/@b/c/lib/x.js` → `node_modules/a/node_modules/@b/c` */
function packageDirectory(input: string) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  const directory = match?.[1];
  return directory !== undefined && existsSync(directory) ? directory : null;
}
