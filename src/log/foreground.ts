/** Whether the terminal talks to us: a live line from a job in the background would spoil a prompt. */
import { readFileSync } from 'node:fs';

/**
 * /proc/self/stat: field 5 is our process group, field 8 the terminal's foreground group (proc(5)).
 * Where that can't be read: yes.
 */
export function isForegroundJob(): boolean {
  try {
    return isForeground(readFileSync('/proc/self/stat', 'latin1'));
  } catch {
    return true;
  }
}

/** Of the text of /proc/PID/stat. */
export function isForeground(stat: string): boolean {
  // The name, field 2, is in parentheses and may hold spaces and parentheses itself.
  const fromState = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, , group, , , foreground] = fromState;
  return group === foreground;
}
