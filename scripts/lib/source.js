/** The project's own modules, for scripts: they are TypeScript, and scripts are not. */
import { build } from 'esbuild';

/**
 * @param {string} root of the project
 * @param {string} path of a module, from there
 * @returns {Promise<any>} what it exports
 */
export async function importSource(root, path) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? '').toString('base64');
  return await import(`data:text/javascript;base64,${code}`);
}

/** @param {string} root @returns {Promise<{ root: import('../build/draw-chart.js').ChartNode }>} */
export async function machineOf(root) {
  const { lockexMachine } = await importSource(root, 'machines/lockex.ts');
  return lockexMachine;
}
