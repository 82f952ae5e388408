/** Faults of an ensemble of three, its members joined through proxies. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFailed,
  onTestFinished,
} from 'vitest';
import { createNode, type Ensemble, type Server, startEnsemble } from '../support/zookeeper.ts';
import { type Duel, duel } from './duel.ts';
import { type LinkedEnsemble, startLinkedEnsemble } from './linked-ensemble.ts';

const T = 6;
/** For a standby whose server is unavailable for a while. */
const PATIENT = ['-r', '9', '-R', '99'];

let linked: LinkedEnsemble;
let ensemble: Ensemble;
let chroot: string;

beforeAll(async () => {
  linked = await startLinkedEnsemble();
  ensemble = linked.ensemble;
}, 120_000);

afterAll(() => linked.stop());

beforeEach(async () => {
  onTestFailed(async () => {
    for (const member of ensemble.members) {
      console.error(member.connectString, await member.role(), member.log());
    }
  });
  await linked.heal();
  const { host, port } = await ensemble.leader();
  chroot = `/t${Date.now()}`;
  await createNode({ host, port, path: chroot });
});

const at = (...members: Server[]) => `${members.map((m) => m.connectString).join(',')}${chroot}`;

/** The holder knows just one follower; the standby knows the leader. */
async function holderAtFollower(
  options: readonly string[] = [],
): Promise<{ follower: Server; of: Duel }> {
  const [leader, [follower]] = [await ensemble.leader(), await ensemble.followers()];
  if (follower === undefined) throw new Error('no follower');
  return {
    follower,
    of: await duel({ hosts: at(follower), timeout: T }, { hosts: at(leader), timeout: T, options }),
  };
}

/**
 * Members without proxies between them, which would delay the detection of a member's death, and a
 * session timeout that is long enough for an election on a busy host.
 */
async function patientDuel(): Promise<{ plain: Ensemble; of: Duel }> {
  const plain = await startEnsemble({
    tickTime: 500,
    initLimit: 20,
    syncLimit: 20,
    maxSessionTimeout: 120_000,
  });
  onTestFinished(() => plain.stop());
  const side = { hosts: plain.connectString, timeout: 90 };
  return { plain, of: await duel(side, side) };
}

describe('a follower that is cut off from its leader and still answers its clients', () => {
  it('does not keep its holder’s command alive when the leader gives the lock away', async () => {
    const { follower, of } = await holderAtFollower();
    of.fault();
    for (const link of linked.linksOf(follower)) await link.blackhole('both');
    await of.handsOver(124);
  });

  it.each(['toServer', 'toClient'] as const)(
    'nor when it is cut off in one direction (%s)',
    async (way) => {
      const { follower, of } = await holderAtFollower();
      of.fault();
      for (const link of linked.linksOf(follower)) await link.blackhole(way);
      await of.handsOver(124);
    },
  );

  it('nor straight after the holder was stopped for a while and had renewed', async () => {
    const { follower, of } = await holderAtFollower();
    of.holder.signal('SIGSTOP');
    await pause(1000);
    of.holder.signal('SIGCONT');
    of.fault();
    for (const link of linked.linksOf(follower)) await link.blackhole('both');
    await of.handsOver(124);
  });

  it('nor when lockex is SIGKILLed: the reaper cannot reach the leader either', async () => {
    const { follower, of } = await holderAtFollower();
    for (const link of linked.linksOf(follower)) await link.blackhole('both');
    of.fault('kill');
    of.holder.signal('SIGKILL');
    await of.handsOver();
  });

  it('does not affect the command when the holder knows the other members', async () => {
    const [leader, [follower]] = [await ensemble.leader(), await ensemble.followers()];
    if (follower === undefined) throw new Error('no follower');
    // The holder may begin at the follower or at the leader.
    const of = await duel(
      { hosts: at(follower, leader), timeout: 10 },
      { hosts: at(leader), timeout: 10 },
    );
    for (const link of linked.linksOf(follower)) await link.blackhole('both');
    await pause(12_000);
    await of.endsUnharmed();
  });
});

describe('the leader', () => {
  it('killed: the command continues under the next one', async () => {
    const { plain, of } = await patientDuel();
    await (await plain.leader()).kill();
    await of.survives();
  });

  it('stopped (SIGSTOP) for longer than T: never two commands', async () => {
    const side = { hosts: at(...ensemble.members), timeout: T, options: PATIENT };
    const of = await duel(side, side);
    const leader = await ensemble.leader();
    of.fault();
    await leader.pause();
    await pause((T + 4) * 1000);
    leader.resume();
    of.holder.signal('SIGTERM');
    await of.handsOver();
  });

  it('stopped for longer than T, the holder at one follower: never two commands', async () => {
    const { of } = await holderAtFollower(PATIENT);
    const leader = await ensemble.leader();
    of.fault();
    await leader.pause();
    await pause((T + 4) * 1000);
    leader.resume();
    await of.handsOver(124);
  });
});

describe('all members', () => {
  it('restarted one by one: the command continues', async () => {
    const { plain, of } = await patientDuel();
    for (const member of plain.members) {
      await member.restart();
      await plain.leader();
    }
    await of.survives();
  });

  it('without a quorum for longer than T, and with one again: never two commands', async () => {
    const side = { hosts: at(...ensemble.members), timeout: T, options: PATIENT };
    const of = await duel(side, side);
    const [first, second] = ensemble.members;
    of.fault();
    await first?.kill();
    await second?.kill();
    expect((await of.holder.ended).status).toBe(124);
    await first?.restart({ ready: false });
    await second?.restart({ ready: false });
    await of.handsOver(124);
  });
});
