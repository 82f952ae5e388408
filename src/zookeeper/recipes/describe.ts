/** Describes a contender by the data of its node. */
import type { ContenderInfo } from '../../../machines/contract.ts';
import { ignoringNoNode, type LockSession, type OnChange } from '../client.ts';
import { isRequestError } from '../errors.ts';
import { labelOf } from './node-data.ts';

/** null when the node is gone. `onChange`: watches it. Rejects with RequestError. */
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
    // A server does not report its deletion to us either (CVE-2024-23944): watch the parent
    // instead.
    const siblings = await ignoringNoNode(
      session.getChildren(path.slice(0, slash), onChange && (() => onChange('changed'))),
    );
    return siblings?.includes(node) ? { node, label: '' } : null;
  }
}
