/** The inspector's page in one file: markup, style and script, with the machine's transitions. */

import { readFileSync } from 'node:fs';
import { type BuildResult, build } from 'esbuild';
import { createLockexMachine } from '../../machines/lockex.ts';
import { lifeOf } from '../../src/inspector/page/life.ts';

const DIRECTORY = 'src/inspector/page';

/**
 * @param root of the project
 * @returns HTML
 */
export async function inspectorPage(root: string): Promise<string> {
  const bundled = (entry: string) =>
    build({
      absWorkingDir: root,
      entryPoints: [`${DIRECTORY}/${entry}`],
      bundle: true,
      minify: true,
      write: false,
      format: 'iife',
      target: ['chrome120', 'firefox120', 'safari17'],
      define: { LIFE: JSON.stringify(lifeOf(createLockexMachine().config)) },
    });
  const [script, style] = await Promise.all([bundled('page.ts'), bundled('page.css')]);
  const parts = new Map([
    ['/*STYLE*/', textOf(style)],
    // The first `</script` ends a script, even in a string.
    ['/*SCRIPT*/', textOf(script).replaceAll('</script', '<\\/script')],
  ]);
  let page = readFileSync(`${root}/${DIRECTORY}/index.html`, 'utf8');
  // By a function: the text may contain `$&`.
  for (const [place, text] of parts) page = page.replace(place, () => text.trim());
  return page;
}

function textOf({ outputFiles }: BuildResult) {
  return outputFiles?.[0]?.text ?? '';
}
