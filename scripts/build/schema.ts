/** `npm run schema`: writes docs/lockex.schema.json from the table of options. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configSchema } from '../../src/cli/config.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SCHEMA = 'docs/lockex.schema.json';

writeFileSync(`${root}${SCHEMA}`, `${JSON.stringify(configSchema(), null, 2)}\n`);
// `npm run lint` checks the format of JSON files.
const biome = `${root}node_modules/.bin/biome`;
execFileSync(biome, ['format', '--write', SCHEMA], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.stdout.write(`${SCHEMA}\n`);
