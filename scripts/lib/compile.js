/**
 * `node compile.js DIST NAME ARGUMENT…`: runs a program as src/launch.ts does, and writes down what
 * V8 has compiled of it by its end.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

const [dist = '', name = '', ...words] = process.argv.slice(2);
const filename = `${dist}/${name}.js`;
const program = `${dist}/program/${name}`;
const script = new Script(readFileSync(`${program}.js`, 'latin1'), { filename: `${program}.js` });
process.on('exit', () => writeFileSync(`${program}.cache`, script.createCachedData()));
process.argv = [process.execPath, filename, ...words];
script.runInThisContext()(createRequire(filename), filename);
