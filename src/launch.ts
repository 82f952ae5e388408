/**
 * What `lockex` and the reaper start with: the program, compiled beforehand.
 *
 * Most of a short run would be spent on compiling JavaScript. The build runs the program once and
 * keeps what V8 made of it (`program/NAME.cache`). Another V8 than the build's refuses it and
 * compiles; nothing else is different then.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';

type Program = (require: NodeJS.Require, filename: string) => void;

const folder = `${dirname(__filename)}/program`;
const name = basename(__filename, '.js');

// latin1: the build writes nothing but ASCII, and this reads it fastest.
const script = new Script(readFileSync(`${folder}/${name}.js`, 'latin1'), {
  filename: `${folder}/${name}.js`,
  ...cached(),
});
const program = script.runInThisContext() as Program;
program(createRequire(__filename), __filename);

function cached(): { cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(`${folder}/${name}.cache`) };
  } catch {
    return {};
  }
}
