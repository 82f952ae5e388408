/** The same as src/platform/installation.ts, of an executable that has everything in it. */

/** The first word, with which the executable is the reaper. */
export const REAPER_WORD = '--lockex-reaper';

export function reaperArgv(): readonly string[] {
  return [process.execPath, REAPER_WORD];
}

/** Written into the bundle by scripts/build/build-standalone.ts. */
declare const INSPECTOR_PAGE: string;

export function inspectorPage(): string {
  return INSPECTOR_PAGE;
}
