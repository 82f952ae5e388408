/** Faults of an ensemble of three, its members joined through proxies. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/faultProxy.ts';
import { createNode, type Ensemble, type Server, startEnsemble } from '../support/zookeeper.ts';
import { type Duel, duel, expectHandover, expectSurvival } from './duel.ts';

const T = 6;

let ensemble: Ensemble;
/** From each member to each other one's quorum port: `from>to`, by id. */
const links = new Map<string, FaultProxy>();
let chroot: string;

beforeAll(async () => {
  ensemble = await startEnsemble({
    tickTime: 500,
    initLimit: 20,
    syncLimit: 20,
    reach: async ({ from, to }) => {
      const proxy = await startFaultProxy(to.host, to.quorumPort);
      links.set(`${from.id}>${to.id}`, proxy);
      return { host: proxy.host, quorumPort: proxy.port, electionPort: to.electionPort };
    },
  });
}, 120_000);

afterAll(async () => {
  await ensemble.stop();
  for (const proxy of links.values()) await proxy.close();
});

beforeEach(async () => {
  for (const proxy of links.values()) await proxy.pass();
  for (const member of ensemble.members) if (!member.running) await member.restart();
  // One that was cut off may still be on its way back.
  for (const member of ensemble.members) await member.ready();
  const { host, port } = await ensemble.leader();
  chroot = `/t${Date.now()}`;
  await createNode({ host, port, path: chroot });
});

const at = (...members: Server[]) => `${members.map((m) => m.connectString).join(',')}${chroot}`;

/** The quorum links of a member, in both directions. */
function linksOf(member: Server): FaultProxy[] {
  const id = String(ensemble.members.indexOf(member) + 1);
  return [...links].flatMap(([name, proxy]) => (name.split('>').includes(id) ? [proxy] : []));
}

/** The holder knows one follower only; the standby knows the leader. */
async function holderAtFollower(timeout = T): Promise<{ follower: Server; of: Duel }> {
  const [leader, [follower]] = [await ensemble.leader(), await ensemble.followers()];
  if (follower === undefined) throw new Error('no follower');
  return {
    follower,
    of: await duel({ hosts: at(follower), timeout }, { hosts: at(leader), timeout }),
  };
}

/**
 * Members without proxies between them, which would have to notice each other's end through them, and
 * a session timeout that leaves a busy host the time for an election.
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
    for (const link of linksOf(follower)) await link.blackhole('both');
    await expectHandover(of, 124);
  });

  it('nor straight after the holder was stopped for a while and had renewed', async () => {
    const { follower, of } = await holderAtFollower();
    of.holder.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    of.holder.signal('SIGCONT');
    for (const link of linksOf(follower)) await link.blackhole('both');
    await expectHandover(of, 124);
  });

  it('costs the command nothing when the holder knows the other members', async () => {
    const [leader, [follower]] = [await ensemble.leader(), await ensemble.followers()];
    if (follower === undefined) throw new Error('no follower');
    // Only the follower at first: that is where the session is made.
    const of = await duel(
      { hosts: at(follower, leader), timeout: 10 },
      { hosts: at(leader), timeout: 10 },
    );
    for (const link of linksOf(follower)) await link.blackhole('both');
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(of.standby.stdout).toBe('');
    of.holder.signal('SIGTERM');
    await expectHandover(of, 143);
  });
});

describe('the leader', () => {
  it('killed: the command goes on under the next one', async () => {
    const { plain, of } = await patientDuel();
    await (await plain.leader()).kill();
    await expectSurvival(of);
  });

  it('stopped (SIGSTOP) for longer than T: never two', async () => {
    const hosts = at(...ensemble.members);
    const side = { hosts, timeout: T, options: ['-r', '9', '-R', '99'] };
    const of = await duel(side, side);
    const leader = await ensemble.leader();
    await leader.pause();
    const stopped = new Promise((resolve) => setTimeout(resolve, (T + 4) * 1000));
    await stopped;
    leader.resume();
    of.holder.signal('SIGTERM');
    await expectHandover(of, null);
  });
});

describe('all members', () => {
  it('restarted one by one: the command goes on', async () => {
    const { plain, of } = await patientDuel();
    for (const member of plain.members) {
      await member.restart();
      await plain.leader();
    }
    await expectSurvival(of);
  });

  it('without a quorum for longer than T, and with one again: never two', async () => {
    const hosts = at(...ensemble.members);
    const side = { hosts, timeout: T, options: ['-r', '9', '-R', '99'] };
    const of = await duel(side, side);
    const [first, second] = ensemble.members;
    await first?.kill();
    await second?.kill();
    expect((await of.holder.ended).status).toBe(124);
    await first?.restart({ ready: false });
    await second?.restart({ ready: false });
    await expectHandover(of, 124);
  });
});
