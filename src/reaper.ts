/**
 * The reaper, run by the guard when lockex is dead. Reads one line from stdin (zookeeper/reap.ts).
 */
import { readFileSync } from 'node:fs';
import { systemClock } from './util/clock.ts';
import { decodeOrphanedSession, reap } from './zookeeper/reap.ts';

const STDIN = 0;

reap(decodeOrphanedSession(readFileSync(STDIN, 'latin1').trim()), systemClock).then(
  (done) => process.exit(done ? 0 : 1),
  // Not reported: the guard has no standard error.
  () => process.exit(1),
);
