/** `npm run schema`: writes docs/lockex.schema.json from the table of options. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { importSource } from '../lib/source.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { configSchema } = await importSource(root, 'src/cli/config.ts');
writeFileSync(`${root}docs/lockex.schema.json`, `${JSON.stringify(configSchema(), null, 2)}\n`);
process.stdout.write('docs/lockex.schema.json\n');
