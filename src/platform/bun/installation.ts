/** Replaces src/platform/installation.ts in the standalone executable, which contains all files. */

/** As the first argument: run the reaper. */
export const REAPER_WORD = '--lockex-reaper';

export function reaperArgv(): readonly string[] {
  return [process.execPath, REAPER_WORD];
}

/** Written into the bundle by scripts/build/build-standalone.ts. */
declare const INSPECTOR_PAGE: string;

export function inspectorPage(): string {
  return INSPECTOR_PAGE;
}
