/**
 * Contenders without a command, many in one process: `node crowd.cjs SETTINGS`, driven over Node's
 * IPC channel by crowds.ts. They are lockex's own (src/zookeeper), each with a session.
 */

import { openAccess } from '../../src/settings/access.ts';
import { systemClock as clock } from '../../src/util/clock.ts';
import { Contender } from '../../src/zookeeper/contender.ts';
import { Lock } from '../../src/zookeeper/recipes/lock.ts';
import { Session } from '../../src/zookeeper/session/session.ts';
import type { CrowdEvent, CrowdOrder } from './crowds.ts';

const { hosts, count, first, lockCount, timeoutMs } = JSON.parse(process.argv[2] ?? '');
const data = Buffer.from('{"host":"crowd","pid":0,"user":"","command":"none","version":""}');
const log = () => {};

/** Timestamps that can be compared between processes of one host. */
const now = () => performance.timeOrigin + performance.now();

/** True if a member that is granted a lock releases it immediately. */
let isPassing = false;

function send(event: CrowdEvent) {
  process.send?.(event);
}

function newMember(number: number) {
  const path = `/lockex/crowd-${number % lockCount}`;
  let isQueued = false;
  let isHolding = false;
  const contender = new Contender({
    clock,
    connectTimeoutMs: timeoutMs,
    killAfterMs: 5000,
    newSession: () => new Session({ ...openAccess(hosts), timeoutMs, clock, log }),
    newRecipe: (session, guid) => new Lock(session, { path, guid, kind: 'exclusive', data }),
    runRecord: null,
    emit: (event) => {
      switch (event.type) {
        case 'session.established':
          return send({ type: 'connected', number });
        case 'lock.queued':
          if (!isQueued) send({ type: 'queued', number });
          isQueued = true;
          return;
        case 'lock.granted':
          return contender.send({ type: 'lock.confirm' });
        case 'lock.confirmed':
          if (!isHolding) send({ type: 'granted', number, at: now() });
          isHolding = true;
          if (isPassing) pass();
          return;
        case 'session.suspended':
          return send({ type: 'suspended', number, at: now() });
        case 'session.resumed':
          send({ type: 'resumed', number, at: now() });
          // As the machine does: a contender joins again.
          if (!isHolding) contender.send({ type: 'lock.join', blocking: true });
          return;
        case 'session.lost':
        case 'session.unreachable':
          return send({ type: 'lost', number, at: now(), why: JSON.stringify(event) });
        case 'lock.released':
          return contender.send({ type: 'session.close' });
        default:
      }
    },
  });
  const pass = () => {
    if (!isHolding) return;
    isHolding = false;
    send({ type: 'released', number, at: now() });
    contender.send({ type: 'lock.release' });
  };
  return { contender, pass };
}

const members = Array.from({ length: count }, (_, index) => newMember(first + index));

process.on('message', (order: CrowdOrder) => {
  if (order === 'connect') {
    for (const { contender } of members) contender.send({ type: 'session.connect' });
  } else if (order === 'join') {
    for (const { contender } of members) contender.send({ type: 'lock.join', blocking: true });
  } else if (order === 'pass') {
    isPassing = true;
    for (const { pass } of members) pass();
  } else {
    for (const { contender } of members) contender.dispose();
    process.exit(0);
  }
});
