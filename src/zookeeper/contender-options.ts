/** What a contender is made with. */
import type { ZookeeperEvent } from '../../machines/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { Recipe } from './recipes/recipe.ts';
import type { RunRecordOptions } from './recipes/run-record.ts';
import type { Session } from './session/session.ts';

export interface ContenderOptions {
  readonly clock: Clock;
  /** Bound of one try to connect; milliseconds. */
  readonly connectTimeoutMs: number;
  readonly killAfterMs: number;
  readonly newSession: () => Session;
  /** A recipe for this session, with a GUID that no other session has used. */
  readonly newRecipe: (session: Session, guid: string) => Recipe;
  /** Where successes are written down (`--once-per`); null: nowhere. */
  readonly runRecord: RunRecordOptions | null;
  readonly emit: (event: ZookeeperEvent) => void;
}
