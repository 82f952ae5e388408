/** Name of the user that runs lockex. */
import { userInfo } from 'node:os';

/** The uid if it has no name, as in some containers. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? '');
  }
}
