/**
 * Where the other files of this program are, as `npm run build` lays them out. The standalone
 * executable has another one of these (src/platform/bun/installation.ts).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The program that ends the session of a lockex that is gone (src/reaper.ts). */
export function reaperArgv(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('reaper.js', import.meta.url))];
}

/** HTML. */
export function inspectorPage(): string {
  return readFileSync(new URL('program/inspector.html', import.meta.url), 'utf8');
}
