/**
 * Text that was bytes: the runtime puts U+FFFD in the place of what is not UTF-8 before we see it, and
 * then it can't be handed on as it was.
 */
import { readFileSync } from 'node:fs';

const REPLACEMENT = '\ufffd';

/**
 * One of these texts that lost bytes; undefined: none did. `source` is where they all are as they were
 * (proc(5)): somebody may have meant that very character.
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
    // No /proc: it can't be told.
    return undefined;
  }
}
