/**
 * Paths of the other files of this program, as `npm run build` places them. In the standalone
 * executable, src/platform/bun/installation.ts replaces this file.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The program that closes the session after lockex has died (src/reaper.ts). */
export function reaperArgv(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('reaper.js', import.meta.url))];
}

/** Returns HTML. */
export function inspectorPage(): string {
  return readFileSync(new URL('program/inspector.html', import.meta.url), 'utf8');
}
