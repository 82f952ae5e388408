/**
 * Starts `lockex` and the reaper with their compiled code.
 *
 * Compiling JavaScript would take most of a short run. The build runs the program once and keeps
 * V8's compiled code (`program/NAME.RUNTIME.cache`, see code-cache.ts). A runtime other than the
 * build's compiles the program again, with the same result.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';
import { codeCacheName, mayHaveV8Flags } from './platform/code-cache.ts';

type Program = (require: NodeJS.Require, filename: string) => void;

const directory = `${dirname(__filename)}/program`;
const name = basename(__filename, '.js');

// The build writes only ASCII, and latin1 is read fastest.
const source = readFileSync(`${directory}/${name}.js`, 'latin1');
const script = new Script(source, {
  filename: `${directory}/${name}.js`,
  cachedData: codeCache(),
});
const program = script.runInThisContext() as Program;
program(createRequire(__filename), __filename);

/** undefined: none for this runtime. */
function codeCache(): Buffer | undefined {
  if (mayHaveV8Flags()) return undefined;
  try {
    return readFileSync(`${directory}/${codeCacheName(name)}`);
  } catch {
    return undefined;
  }
}
