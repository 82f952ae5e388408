/** The files that the pages of a package link to. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `PAGE: FILE` for each missing file that a page of this directory links to. */
export function brokenLinks(directory: string): string[] {
  const links = pagesIn(directory).flatMap((page) =>
    linksIn(readFileSync(join(directory, page), 'utf8')).map((file) => ({ page, file })),
  );
  if (links.length === 0) throw new Error(`${directory} has no links`);
  return links
    .filter(({ page, file }) => !existsSync(join(directory, dirname(page), file)))
    .map(({ page, file }) => `${page}: ${file}`);
}

function pagesIn(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.md') && !name.includes('node_modules'));
}

function linksIn(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^):#]+)[^)]*\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^https?$/.test(target));
}
