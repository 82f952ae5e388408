/**
 * `node compile.mjs DIST NAME CACHE ARGUMENT…`: runs a program like src/launch.ts, and at its end
 * writes the code that V8 has compiled to the file CACHE.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

const [dist = '', name = '', cache = '', ...args] = process.argv.slice(2);
const filename = `${dist}/${name}.js`;
const program = `${dist}/program/${name}`;
const script = new Script(readFileSync(`${program}.js`, 'latin1'), { filename: `${program}.js` });
process.on('exit', () => writeFileSync(`${dist}/program/${cache}`, script.createCachedData()));
process.argv = [process.execPath, filename, ...args];
script.runInThisContext()(createRequire(filename), filename);
