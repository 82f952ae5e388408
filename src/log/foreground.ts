/** Detects if lockex is the terminal's foreground job: only then may it draw a live line. */
import { readFileSync } from 'node:fs';
import { parseStat } from '../util/process-stat.ts';

/** Also true if /proc/self/stat cannot be read. */
export function isForegroundJob(): boolean {
  try {
    return isForeground(readFileSync('/proc/self/stat', 'latin1'));
  } catch {
    return true;
  }
}

/** `text`: of /proc/PID/stat. Compares the process group with the terminal's foreground group. */
export function isForeground(text: string): boolean {
  const stat = parseStat(text);
  return stat === null || stat.group === stat.foregroundGroup;
}
