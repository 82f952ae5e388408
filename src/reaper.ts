/**
 * The program that the guard runs when lockex has died: one line on stdin, see zookeeper/reap.ts.
 */
import { readFileSync } from 'node:fs';
import { systemClock } from './util/clock.ts';
import { decodeOrphanedSession, reap } from './zookeeper/reap.ts';

const STDIN = 0;

reap(decodeOrphanedSession(readFileSync(STDIN, 'latin1').trim()), systemClock).then(
  (done) => process.exit(done ? 0 : 1),
  // No message: the guard has no standard error.
  () => process.exit(1),
);
