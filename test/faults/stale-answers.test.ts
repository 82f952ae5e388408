/**
 * Followers that send answers to the wrong request. Each test holds back data between the members,
 * so that a server's answer to an older handshake or request arrives while a newer one waits:
 *
 * - `Learner.pendingRevalidations` is keyed by the session id, so the leader's answer to one
 *   handshake completes any later one of the same session;
 * - `CommitProcessor` matches commits with waiting requests by session id and xid.
 *
 * The third contender of each test connects to the leader, and sees the actual state of the lock.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  afterAll,
  beforeAll,
  beforeEach,
  expect,
  it,
  onTestFailed,
  onTestFinished,
  vi,
} from 'vitest';
import { contentOf, startLockex, temporaryDirectory } from '../e2e/program.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { judgeJournal } from '../support/journal.ts';
import type { Program } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { createNode, type Server } from '../support/zookeeper.ts';
import { type LinkedEnsemble, startLinkedEnsemble } from './linked-ensemble.ts';

const WORKER = fileURLToPath(new URL('../support/worker.pl', import.meta.url));
const T = 10;
const PATIENCE_MS = 90_000;

vi.setConfig({ testTimeout: 170_000 });

let linked: LinkedEnsemble;

beforeAll(async () => {
  linked = await startLinkedEnsemble();
}, 120_000);

afterAll(() => linked.stop());

beforeEach(async () => {
  await linked.heal();
});

/** One lock, contenders at different servers, and the journal of their commands. */
class Contest {
  readonly #directory = temporaryDirectory();
  readonly #chroot: string;

  private constructor(chroot: string) {
    this.#chroot = chroot;
    writeFileSync(this.#file('journal'), '');
    writeFileSync(this.#file('counter'), `${'0'.repeat(15)}\n`);
    mkdirSync(this.#file('temporary'));
  }

  static async begin(at: Server): Promise<Contest> {
    const chroot = `/t${Date.now()}`;
    await createNode({ host: at.host, port: at.port, path: chroot });
    return new Contest(chroot);
  }

  start(name: string, hosts: string): Program {
    const argv = [WORKER, this.#file('journal'), this.#file('counter'), name, 0, 'plain', 600_000];
    const options = ['-i', 'contest', '-T', `${T}`, '--kill-after', '0.3', '--log-level', 'debug'];
    const program = startLockex(
      ['-z', hosts + this.#chroot, ...options, '--', 'perl', ...argv.map(String)],
      { env: { TMPDIR: this.#file('temporary') }, maxLifeMs: 170_000 },
    );
    onTestFinished(() => program.signal('SIGKILL'));
    onTestFailed(() => console.error(`${name}:\n${program.stderr}`));
    return program;
  }

  /** Waits until its command works. */
  async runs(name: string): Promise<void> {
    const isNoted = () => this.journal().includes(`"contender":"${name}"`);
    await until(isNoted, `${name}'s first entry`, PATIENCE_MS);
  }

  journal(): string {
    return contentOf(this.#file('journal'));
  }

  verdict() {
    return judgeJournal(this.journal(), Number(contentOf(this.#file('counter'))));
  }

  #file(name: string): string {
    return `${this.#directory}/${name}`;
  }
}

async function ends(program: Program): Promise<void> {
  program.signal('SIGTERM');
  await program.ended;
}

/** A proxy for the clients of this member. */
async function clientsOf(member: Server): Promise<FaultProxy> {
  const proxy = await startFaultProxy(member.host, member.port);
  onTestFinished(() => proxy.close());
  return proxy;
}

async function members(): Promise<{ leader: Server; f: Server; g: Server }> {
  const leader = await linked.ensemble.leader();
  const [f, g] = await linked.ensemble.followers();
  if (f === undefined || g === undefined) throw new Error('two followers are needed');
  return { leader, f, g };
}

/** Returns a function that waits until `proxy` has forwarded more data in this direction. */
function more(proxy: FaultProxy, way: 'toServer' | 'toClient'): () => Promise<void> {
  const before = proxy.counters[way].bytes;
  return () => proxy.until(() => proxy.counters[way].bytes > before, PATIENCE_MS);
}

/** Returns a function that waits until this number of further frames of clients was forwarded. */
function frames(clients: FaultProxy, number: number): () => Promise<void> {
  const before = clients.counters.toServer.packets;
  const enough = () => clients.counters.toServer.packets >= before + number;
  return () => clients.until(enough, PATIENCE_MS);
}

/** Holds the leader's data, and waits until the follower has answered all earlier data. */
async function holdLeader(link: FaultProxy): Promise<void> {
  await link.blackhole('toClient');
  const isHeld = () => link.counters.toClient.arrived > link.counters.toClient.bytes;
  // The leader sends a ping every half tick.
  await link.until(isHeld, PATIENCE_MS);
  // The answer to the previous ping may be late.
  await pause(700);
}

/**
 * One handshake reaches the leader, and the next `held` are held on the way. Nothing else passes to
 * the leader meanwhile: the follower answers no pings, and `connect` is all that its clients do.
 */
async function handshakes(link: FaultProxy, held: number, connect: () => unknown): Promise<void> {
  const before = link.counters.toServer.arrived;
  const passedOn = more(link, 'toServer');
  await connect();
  await passedOn();
  // `Learner.validateSession` writes the same number of bytes for each.
  const size = link.counters.toServer.arrived - before;
  if (held === 0) return;
  await link.blackhole('both');
  const haveArrived = () => link.counters.toServer.arrived >= before + (1 + held) * size;
  await link.until(haveArrived, PATIENCE_MS);
}

/** Until the follower has sent something else to the leader, held or not. */
async function arrival(link: FaultProxy): Promise<void> {
  const before = link.counters.toServer.arrived;
  await link.until(() => link.counters.toServer.arrived > before, PATIENCE_MS);
}

it('the answer to an earlier handshake does not give the lock to a waiter', async () => {
  const { leader, f } = await members();
  const link = linked.link(f, leader);
  const clients = await clientsOf(f);
  const contest = await Contest.begin(leader);
  const holder = contest.start('holder', leader.connectString);
  await contest.runs('holder');
  const waiter = contest.start('waiter', clients.connectString);
  await waiter.line(/"queue":/, 'stderr');
  const third = contest.start('third', leader.connectString);
  await third.line(/"queue":/, 'stderr');

  // The waiter's connection breaks. Its first handshake reaches the leader, whose answer is held
  // back.
  await holdLeader(link);
  // The later ones do not: they are given up, one after the other.
  await handshakes(link, 2, () => clients.reset());
  // Now that answer completes the newest handshake; the link to the leader stays cut.
  const answered = more(clients, 'toClient');
  await link.blackhole('toServer');
  await answered();
  // Time for a contender that relies on it to get ready: it would be granted the lock.
  await pause(1000);

  await ends(holder);
  await contest.runs('third');
  expect(contest.journal()).not.toContain('waiter');
  await link.pass();
  await waiter.ended;
  await ends(third);
  expect(contest.verdict()).toMatchObject({ verdict: 'valid', acquisitions: 2 });
});

it('the commit of an earlier check does not renew the lease of a holder', async () => {
  const { leader, f, g } = await members();
  const [linkF, linkG] = [linked.link(f, leader), linked.link(g, leader)];
  const [clientsF, clientsG] = [await clientsOf(f), await clientsOf(g)];
  const contest = await Contest.begin(leader);
  await clientsF.refuse();
  const holder = contest.start('holder', `${clientsF.connectString},${clientsG.connectString}`);
  await contest.runs('holder');
  const third = contest.start('third', leader.connectString);
  await third.line(/"queue":/, 'stderr');

  // The holder re-attaches at G. Its check is held on the way to the leader, and so is the answer
  // to a ping behind it: G has nothing left to tell of the holder.
  const [attached, checked] = [more(clientsG, 'toClient'), frames(clientsG, 2)];
  clientsG.reset();
  await attached();
  await linkG.blackhole('toServer');
  await checked();
  for (const _ of ['check', 'ping', 'ping']) await arrival(linkG);
  // Then it is proposed, but not acknowledged.
  const proposed = more(linkG, 'toServer');
  await linkG.blackhole('toClient');
  await holdLeader(linkF);
  await proposed();
  // The holder goes to F. Its first handshake there reaches the leader, and no later one.
  await handshakes(linkF, 2, async () => {
    await clientsF.pass();
    await clientsG.refuse();
  });
  // The answer to the first handshake arrives, and behind it the commit of the check through G.
  const answered = more(clientsF, 'toClient');
  await linkF.blackhole('toServer');
  await answered();
  await linkG.pass();

  await contest.runs('third');
  expect((await holder.ended).status).toBe(124);
  await ends(third);
  expect(contest.verdict()).toMatchObject({ verdict: 'valid', acquisitions: 2 });
});

it('a creation that is committed after a reconnect does not answer another request', async () => {
  const { leader, f, g } = await members();
  const [linkF, linkG] = [linked.link(f, leader), linked.link(g, leader)];
  const [clientsF, clientsG] = [await clientsOf(f), await clientsOf(g)];
  const contest = await Contest.begin(leader);
  // Creates the lock's parent node.
  const before = contest.start('before', leader.connectString);
  await contest.runs('before');
  await ends(before);

  // The creation of our node reaches the leader through G, but its commit does not reach G.
  await clientsF.refuse();
  const [attached, asked] = [more(clientsG, 'toClient'), frames(clientsG, 2)];
  const hosts = `${clientsF.connectString},${clientsG.connectString}`;
  const contender = contest.start('contender', hosts);
  await attached();
  await linkG.blackhole('toServer');
  await asked();
  for (const _ of ['creation', 'ping', 'ping']) await arrival(linkG);
  const proposed = more(linkG, 'toServer');
  await linkG.blackhole('toClient');
  await holdLeader(linkF);
  await proposed();
  // The contender re-attaches at F and sends a check there, before the creation is committed.
  const checked = frames(clientsF, 2);
  await handshakes(linkF, 0, async () => {
    await clientsF.pass();
    await clientsG.refuse();
  });
  const answered = more(clientsF, 'toClient');
  await linkF.blackhole('toServer');
  await answered();
  await checked();
  await linkG.pass();
  await linkF.pass();

  await contest.runs('contender');
  await ends(contender);
  expect(contest.verdict()).toMatchObject({ verdict: 'valid', acquisitions: 2 });
});
