/** Replaces src/platform/installation.ts in the standalone executable, which contains all files. */

/** The first argument that selects the reaper. */
export const REAPER_OPTION = '--lockex-reaper';

export function reaperArgv(): readonly string[] {
  return [process.execPath, REAPER_OPTION];
}

/** Defined by scripts/build/build-standalone.ts. */
declare const INSPECTOR_PAGE: string;

export function inspectorPage(): string {
  return INSPECTOR_PAGE;
}
