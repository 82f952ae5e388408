/**
 * The entry point of `lockex` and of the reaper: loads the program with V8's code cache.
 *
 * Without it, a short run would spend most of its time compiling JavaScript. The build runs the
 * program once and stores the compiled code (`program/NAME.RUNTIME.cache`, see code-cache.ts). Any
 * other runtime than that of the build ignores the cache and compiles the program itself.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';
import { codeCacheName, mayHaveV8Flags } from './platform/code-cache.ts';

type Program = (require: NodeJS.Require, filename: string) => void;

const directory = `${dirname(__filename)}/program`;
const name = basename(__filename, '.js');

// The build writes only ASCII, and latin1 is the fastest to decode.
const source = readFileSync(`${directory}/${name}.js`, 'latin1');
const script = new Script(source, {
  filename: `${directory}/${name}.js`,
  cachedData: codeCache(),
});
const program = script.runInThisContext() as Program;
program(createRequire(__filename), __filename);

/** undefined if there is none for this runtime. */
function codeCache(): Buffer | undefined {
  if (mayHaveV8Flags()) return undefined;
  try {
    return readFileSync(`${directory}/${codeCacheName(name)}`);
  } catch {
    return undefined;
  }
}
