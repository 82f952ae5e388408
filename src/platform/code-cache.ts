/**
 * Names V8's code cache so that a runtime only ever loads its own. V8 compares its version without
 * Node's suffix, and does not notice Node's patches: V8 11.3 crashes on the cache of another Node
 * 20 (nodejs/node#62781).
 */
import { statSync } from 'node:fs';

/**
 * The name of the cache for a program of this name. The size of Node's executable distinguishes
 * builds of the same version, such as a distribution's.
 */
export function codeCacheName(program: string): string {
  // No destructuring: a Node of any age must be able to parse the launcher, which refuses old ones.
  const runtime = `${process.version}-v8-${process.versions.v8}`;
  const machine = `${process.platform}-${process.arch}`;
  return `${program}.${runtime}-${machine}-${statSync(process.execPath).size}.cache`;
}

/**
 * A cache also depends on V8's flags (`FlagList::Hash`). The build runs without any; asking V8 for
 * the hash (`v8.cachedDataVersionTag`) would take more than a millisecond of each start.
 */
export function mayHaveV8Flags(): boolean {
  return process.execArgv.length > 0 || Boolean(process.env['NODE_OPTIONS']);
}
