/**
 * `node scripts/run.js NAME [ARGUMENT…]`: runs scripts/NAME.ts. It first installs npm's packages if
 * they are missing, among them tsx, which executes TypeScript. So this file and what it imports are
 * plain JavaScript.
 */
import { ensureDependencies } from './lib/dependencies.js';
import { ProvisionError } from './lib/main.js';

const [name] = process.argv.splice(2, 1);
const script = new URL(`${name}.ts`, import.meta.url);
try {
  await ensureDependencies();
} catch (error) {
  if (!(error instanceof ProvisionError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { register } = await import('tsx/esm/api');
register();
await import(script.href);
