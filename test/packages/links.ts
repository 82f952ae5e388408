/** What a page of a package points to. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Names of files that this page points to, and that are not there. At least one has to be named. */
export function brokenLinks(page: string): string[] {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^):#]+)[^)]*\)/g)].map(
    ([, file = '']) => file,
  );
  const files = links.filter((link) => !/^https?$/.test(link));
  if (files.length === 0) throw new Error(`${page} points to nothing`);
  return files.filter((file) => !existsSync(join(dirname(page), file)));
}
