/**
 * Finds arguments and variables that are not UTF-8: the runtime has replaced such bytes by U+FFFD,
 * so lockex cannot pass them on unchanged.
 */
import { readFileSync } from 'node:fs';

const REPLACEMENT = '\ufffd';

/**
 * The first of these texts in which bytes were replaced; undefined: none. `source`: the file of
 * /proc/self with the original bytes (proc(5)), because U+FFFD may have been in the original.
 */
export function firstNonUtf8(
  texts: readonly string[],
  source: 'cmdline' | 'environ',
): string | undefined {
  const suspect = texts.find((text) => text.includes(REPLACEMENT));
  if (suspect === undefined) return undefined;
  try {
    const { isUtf8 } = process.getBuiltinModule('node:buffer');
    return isUtf8(readFileSync(`/proc/self/${source}`)) ? undefined : suspect;
  } catch {
    // No /proc: unknown.
    return undefined;
  }
}
