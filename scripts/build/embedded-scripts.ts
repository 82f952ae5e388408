/**
 * `import text from './gate.sh'`, also of `.pl` and `.py`: the script's text without its comments,
 * for esbuild and for Vitest. src/command/scripts.d.ts declares the types of such imports.
 */

import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';

const SCRIPT = /\.(sh|pl|py)$/;

/**
 * Removes blank lines and lines that are only a comment. Such a line inside a string or a
 * here-document would be removed as well; test/src/command/scripts.test.ts shows that there is
 * none.
 *
 * @param text of a shell, Perl or Python script
 */
export function withoutComments(text: string) {
  return text.replace(/^[ \t]*(#.*)?\n/gm, '');
}

export const embeddedScripts: Plugin = {
  name: 'embedded-scripts',
  setup({ onLoad }) {
    onLoad({ filter: SCRIPT }, ({ path }) => ({ contents: textOf(path), loader: 'text' }));
  },
};

export const embeddedScriptsInTests: VitePlugin = {
  name: 'embedded-scripts',
  enforce: 'pre',
  load(id) {
    return SCRIPT.test(id) ? `export default ${JSON.stringify(textOf(id))};` : null;
  },
};

function textOf(path: string) {
  return withoutComments(readFileSync(path, 'utf8'));
}
