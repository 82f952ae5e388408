/** The session that follows the queue for the page while viewers connect and disconnect. */
import { expect, it, onTestFinished } from 'vitest';
import type { FeedMessage } from '../../../src/inspector/feed.ts';
import { LockFeed } from '../../../src/inspector/lock-feed.ts';
import { openAccess } from '../../../src/settings/access.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { startScriptedServer } from '../zookeeper/scripted-server.ts';

const NO_NODE = -101;
const CLOSE_SESSION = -11;

/** A feed from a server without nodes that counts its sessions. */
async function startFeed() {
  let sessions = 0;
  let closed = 0;
  const { port } = await startScriptedServer(async (connection) => {
    if ((await connection.shakeHands()) === null) return;
    sessions += 1;
    for (let frame = await connection.frame(); frame; frame = await connection.frame()) {
      const isClose = frame.readInt32BE(4) === CLOSE_SESSION;
      if (isClose) closed += 1;
      connection.answer(frame.readInt32BE(0), isClose ? 0 : NO_NODE);
    }
  });
  const clock = new SimulatedClock();
  const messages: FeedMessage[] = [];
  const servers = {
    ...openAccess([{ host: '127.0.0.1', port }]),
    ...{ lockPath: 'lockex', connectTries: 1, timeoutMs: 60_000 },
  };
  const feed = new LockFeed({ servers, lockId: 'redis', clock }, (message) =>
    messages.push(message),
  );
  onTestFinished(() => feed.stop());
  return { feed, clock, messages, sessions: () => sessions, closed: () => closed };
}

it('uses one session while viewers connect and disconnect 10,000 times', async () => {
  const { feed, messages, sessions, closed } = await startFeed();
  for (let visit = 0; visit < 10_000; visit += 1) {
    feed.start();
    feed.pause();
    if (visit % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  feed.start();
  await expect.poll(() => messages.length, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(sessions()).toBe(1);
  expect(closed()).toBe(0);
});

it('closes the session some time after the last viewer, and opens another for the next', async () => {
  const { feed, clock, messages, sessions, closed } = await startFeed();
  feed.start();
  await expect.poll(() => messages.length, { timeout: 30_000 }).toBeGreaterThan(0);
  feed.pause();
  await clock.advance(9000);
  expect(closed()).toBe(0);
  await clock.advance(2000);
  await expect.poll(closed, { timeout: 30_000 }).toBe(1);
  expect(feed.latest).toBeNull();
  feed.start();
  await expect.poll(sessions, { timeout: 30_000 }).toBe(2);
});
