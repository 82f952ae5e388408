/** The machine, for scripts: it is TypeScript, and they are not. */
import { build } from 'esbuild';

/** @param {string} root of the project @returns {Promise<{ root: import('./chart.js').ChartNode }>} */
export async function machineOf(root) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['machines/lockex.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? '').toString('base64');
  const { lockexMachine } = await import(`data:text/javascript;base64,${code}`);
  return lockexMachine;
}
