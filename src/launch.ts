/**
 * What `lockex` and the reaper start with: the program, compiled beforehand.
 *
 * Most of a short run would be spent on compiling JavaScript. The build runs the program once and
 * keeps what V8 compiled of it (`program/NAME.RUNTIME.cache`, see code-cache.ts). Any other runtime
 * than the build's compiles it again; nothing else is different then.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';
import { codeCacheName, mayHaveV8Flags } from './platform/code-cache.ts';

type Program = (require: NodeJS.Require, filename: string) => void;

const directory = `${dirname(__filename)}/program`;
const name = basename(__filename, '.js');

// latin1: the build writes nothing but ASCII, and this reads it fastest.
const source = readFileSync(`${directory}/${name}.js`, 'latin1');
const script = new Script(source, {
  filename: `${directory}/${name}.js`,
  cachedData: codeCache(),
});
const program = script.runInThisContext() as Program;
program(createRequire(__filename), __filename);

/** undefined where there is none for this runtime. */
function codeCache(): Buffer | undefined {
  if (mayHaveV8Flags()) return undefined;
  try {
    return readFileSync(`${directory}/${codeCacheName(name)}`);
  } catch {
    return undefined;
  }
}
