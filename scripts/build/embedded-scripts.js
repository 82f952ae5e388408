/**
 * `import text from './gate.sh'`, also of `.pl` and `.py`: the script's text without its comments, for
 * esbuild and for Vitest. src/command/scripts.d.ts declares the types of such imports.
 */
import { readFileSync } from 'node:fs';

const SCRIPT = /\.(sh|pl|py)$/;

/**
 * Removes blank lines and lines that are only a comment. Such a line inside a string or a
 * here-document would be removed as well; test/src/command/scripts.test.ts shows that there is none.
 *
 * @param {string} text of a shell, Perl or Python script
 */
export function withoutComments(text) {
  return text.replace(/^[ \t]*(#.*)?\n/gm, '');
}

/** @type {import('esbuild').Plugin} */
export const embeddedScripts = {
  name: 'embedded-scripts',
  setup({ onLoad }) {
    onLoad({ filter: SCRIPT }, ({ path }) => ({ contents: textOf(path), loader: 'text' }));
  },
};

/** @type {import('vite').Plugin} */
export const embeddedScriptsInTests = {
  name: 'embedded-scripts',
  enforce: 'pre',
  load(id) {
    return SCRIPT.test(id) ? `export default ${JSON.stringify(textOf(id))};` : null;
  },
};

/** @param {string} path */
function textOf(path) {
  return withoutComments(readFileSync(path, 'utf8'));
}
