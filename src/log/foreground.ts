/** Finds out if lockex is the terminal's foreground job: only then may it draw a live line. */
import { readFileSync } from 'node:fs';

/**
 * /proc/self/stat: field 5 is our process group, field 8 the terminal's foreground group (proc(5)).
 * True where that can't be read.
 */
export function isForegroundJob(): boolean {
  try {
    return isForeground(readFileSync('/proc/self/stat', 'latin1'));
  } catch {
    return true;
  }
}

/** From the text of /proc/PID/stat. */
export function isForeground(stat: string): boolean {
  // The name, field 2, is in parentheses and may itself contain spaces and parentheses.
  const fromState = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, , group, , , foreground] = fromState;
  return group === foreground;
}
