/** Who runs lockex, as people may see it. */
import { userInfo } from 'node:os';

/** By name; by number where nobody knows it: a container may run as such a user. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? '');
  }
}
