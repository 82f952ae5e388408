/** What a contender's node says of it. */
import type { ContenderInfo } from '../../../machines/contract.ts';
import { isRequestError } from '../errors.ts';
import { ignoringNoNode, type LockSession, type OnChange } from '../session/requests.ts';
import { labelOf } from './node-data.ts';

/** null when it is gone. `onChange`: watch it. Rejects with RequestError. */
export async function describeContender(
  session: LockSession,
  path: string,
  onChange?: OnChange,
): Promise<ContenderInfo | null> {
  const slash = path.lastIndexOf('/');
  const node = path.slice(slash + 1);
  try {
    const found = await ignoringNoNode(session.getData(path, onChange));
    return found === null ? null : { node, label: labelOf(found.data) };
  } catch (error) {
    if (!isRequestError(error) || error.code !== 'NO_AUTH') throw error;
    // Nor would a server tell us of its end (CVE-2024-23944): its parent's children do.
    const siblings = await ignoringNoNode(
      session.getChildren(path.slice(0, slash), onChange && (() => onChange('changed'))),
    );
    return siblings?.includes(node) ? { node, label: '' } : null;
  }
}
