/** How a learner is brought to the leader's history (`LearnerHandler.syncFollower`). */
import type { Database } from '../tree/database.ts';
import { counterOf } from '../tree/transaction.ts';
import type { QuorumPacket } from './packets.ts';

/**
 * Sends nothing, what was committed since (DIFF), the point up to which the learner's history is
 * good (TRUNC), or everything (SNAP, also where the server would truncate and then send what was
 * committed: the learner has the same afterwards). Returns the zxid that the learner has
 * afterwards.
 */
export function synchronize(
  database: Database,
  learnerZxid: number,
  send: (packet: QuorumPacket) => void,
): number {
  const { committed, tree } = database;
  const last = tree.lastProcessedZxid;
  const min = committed[0]?.header.zxid ?? last;
  const max = committed.at(-1)?.header.zxid ?? last;
  const isNewEpoch = counterOf(learnerZxid) === 0;
  if (learnerZxid === last) {
    send({ type: 'diff' });
    return learnerZxid;
  }
  if (learnerZxid > max && !isNewEpoch) {
    send({ type: 'trunc', zxid: max });
    return max;
  }
  const isKnown = isNewEpoch || committed.some(({ header }) => header.zxid === learnerZxid);
  if (min <= learnerZxid && learnerZxid <= max && isKnown) {
    send({ type: 'diff' });
    for (const transaction of committed) {
      const { zxid } = transaction.header;
      if (zxid <= learnerZxid) continue;
      send({ type: 'proposal', transaction });
      send({ type: 'commit', zxid });
    }
    return max;
  }
  send({ type: 'snap', database: database.copy() });
  return last;
}
