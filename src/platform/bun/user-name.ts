/**
 * Replaces src/platform/user-name.ts in the standalone executable: Bun takes the name from `$USER`.
 */
import { readFileSync } from 'node:fs';

export function userName(): string {
  const id = String(process.geteuid?.() ?? '');
  return nameIn(passwd(), id) ?? id;
}

/** passwd(5): name, password, uid, … */
function nameIn(text: string, id: string): string | undefined {
  const entries = text.split('\n').map((line) => line.split(':'));
  return entries.find(([, , uid]) => uid === id)?.[0];
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
