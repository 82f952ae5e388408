/**
 * The requests that `lockex status --watch` and the inspector's reader make: counted on the wire to
 * a real server, with a clock that moves when the test says so. Nothing is read while nothing
 * changes, and a burst of changes is read as often as the pacing allows, not once for each.
 */
import { expect, it, onTestFinished } from 'vitest';
import type { FeedMessage } from '../../../src/inspector/feed.ts';
import { LockFeed } from '../../../src/inspector/lock-feed.ts';
import { openAccess } from '../../../src/settings/access.ts';
import type { LockView } from '../../../src/status/view.ts';
import { LockWatcher } from '../../../src/status/watcher.ts';
import { CreateMode } from '../../../src/zookeeper/client.ts';
import type { Session } from '../../../src/zookeeper/session/session.ts';
import { openSession } from '../../support/session.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { until } from '../../support/until.ts';
import { Wiretap } from '../../support/wiretap.ts';
import { sharedServer, sharedServerWithChroot } from '../../support/zookeeper.ts';

/** The children of all locks, the lock's data, its children, and those of its inner lock. */
const READS = 4;
/** Changes that are looked at without a pause, one after another (back-off.ts, CHANGES). */
const FREE_LOOKS = 20;
/** The longest pause between two looks after that; milliseconds. */
const PAUSE_MS = 100;
/** Changes during one pause. */
const BURST = 30;

interface Watched {
  readonly clock: SimulatedClock;
  /** Of the last look. */
  readonly contenders: () => number;
  readonly looks: () => number;
  /** Requests since the last call, without those of the session. */
  readonly requests: () => number;
  /** Another contender joins the queue. */
  readonly join: () => Promise<void>;
  /** A change has been reported to the reader since the last call of `requests`, some time ago. */
  readonly untilNotified: () => Promise<void>;
}

/** `follow` begins to watch the lock `x` through this address, and reports each look. */
async function watching(
  follow: (of: {
    readonly host: string;
    readonly port: number;
    readonly chroot: string;
    readonly clock: SimulatedClock;
    readonly onLook: (lock: LockView) => void;
  }) => Promise<void>,
): Promise<Watched> {
  const { chroot } = await sharedServerWithChroot();
  const neighbour = await openSession(sharedServer(), chroot);
  await neighbour.mkdirp('/lockex/x');
  const tap = new Wiretap(sharedServer());
  onTestFinished(() => tap.close());
  const [host = '', port] = (await tap.listen()).split(':');
  const clock = new SimulatedClock();
  const looks: LockView[] = [];
  await follow({ host, port: Number(port), chroot, clock, onLook: (lock) => looks.push(lock) });
  await until(() => looks.length > 0, 'the first look');
  return {
    clock,
    looks: () => looks.length,
    contenders: () => {
      const last = looks.at(-1);
      return last === undefined ? 0 : last.holders.length + last.waiters.length;
    },
    requests: () => {
      const requests = tap.sentBy('client').filter((operation) => /^(get|exists)/.test(operation));
      tap.messages.length = 0;
      return requests.length;
    },
    join: async () => {
      const mode = CreateMode.EPHEMERAL_SEQUENTIAL;
      await neighbour.create('/lockex/x/0123__lock__', Buffer.alloc(0), { mode });
    },
    untilNotified: async () => {
      await until(() => tap.sentBy('server').includes('notification'), 'a notification');
      for (let trip = 0; trip < 10; trip += 1) await neighbour.exists('/lockex/x');
    },
  };
}

const WAYS = {
  'status --watch': () =>
    watching(async ({ host, port, chroot, clock, onLook }) => {
      const session: Session = await openSession({ host, port }, chroot);
      const watcher = new LockWatcher(
        session,
        { lockPath: '/lockex', ids: ['x'] },
        {
          onViews: ([lock]) => lock && onLook(lock),
          onRefused: (message) => expect.fail(message),
        },
        clock,
      );
      onTestFinished(() => watcher.stop());
    }),
  'the inspector': () =>
    watching(async ({ host, port, chroot, clock, onLook }) => {
      const servers = {
        ...openAccess([{ host, port }], chroot),
        ...{ lockPath: 'lockex', connectTries: 1, timeoutMs: 30_000 },
      };
      const feed = new LockFeed({ servers, lockId: 'x', clock }, (message: FeedMessage) => {
        if (message.type === 'lock' && message.lock !== null) onLook(message.lock);
      });
      onTestFinished(() => feed.stop());
      feed.start();
    }),
};

it.each(Object.entries(WAYS))(
  '%s reads once per change, and nothing in between',
  async (_, way) => {
    const { join, looks, contenders, requests } = await way();
    expect(requests()).toBe(READS);
    for (let count = 1; count <= 10; count += 1) {
      await join();
      await until(() => contenders() === count, 'the change');
      // A request that was not asked for by the change would be counted with the next one.
      expect(requests()).toBe(READS + count);
    }
    expect(looks()).toBe(11);
  },
);

it.each(Object.entries(WAYS))('%s reads a burst of changes once per pause', async (_, way) => {
  const { clock, join, looks, contenders, requests, untilNotified } = await way();
  let joined = 0;
  for (; joined < FREE_LOOKS; joined += 1) {
    await join();
    await until(() => contenders() === joined + 1, 'a change');
  }
  for (let pauses = 1; pauses <= 3; pauses += 1) {
    requests();
    for (let count = 0; count < BURST; count += 1) await join();
    joined += BURST;
    await untilNotified();
    expect(requests()).toBe(0);
    await clock.advance(PAUSE_MS);
    await until(() => contenders() === joined, 'the last change');
    expect(requests()).toBe(READS + joined);
    expect(looks()).toBe(1 + FREE_LOOKS + pauses);
  }
});
