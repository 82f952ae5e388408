/**
 * `--once-per` while ZooKeeper is unavailable at the end of the job: the success is still recorded.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { runLockex, startLockex, untilState } from '../e2e/program.ts';
import { type Ensemble, type Server, startEnsemble } from '../support/zookeeper.ts';

/** Long enough for an election on a busy host before the lease ends. */
const T = '90';

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble({
    ...{ tickTime: 500, initLimit: 20, syncLimit: 20 },
    maxSessionTimeout: 120_000,
  });
}, 120_000);
afterAll(() => ensemble.stop());

/** Kills the leader and a follower; they are restarted at the end of the test, if not before. */
async function killQuorum(): Promise<readonly Server[]> {
  const [leader, [follower]] = [await ensemble.leader(), await ensemble.followers()];
  if (follower === undefined) throw new Error('no follower');
  const members = [leader, follower];
  onTestFinished(async () => {
    for (const member of members) if (!member.running) await member.restart();
  });
  await Promise.all(members.map((member) => member.kill()));
  return members;
}

const job = (id: string, ...command: string[]) => [
  ...['-z', ensemble.connectString, '-T', T, '-i', id, '--once-per', '1h'],
  ...['--log-level', 'debug'],
  ...['--', ...command],
];

it('a success is recorded although the leader is killed as the job ends', async () => {
  const first = startLockex(job('leader', 'echo up; read line'));
  await first.line(/^up$/);
  const leader = await ensemble.leader();
  await leader.kill();
  first.stdin.end('go\n');
  expect((await first.ended).status).toBe(0);
  await leader.restart();
  expect(await runLockex(job('leader', 'echo twice'))).toMatchObject({ status: 0, stdout: '' });
});

it('a success is recorded once a quorum is back, for as long as the lease lasts', async () => {
  const first = startLockex(job('quorum', 'echo up; read line'));
  await first.line(/^up$/);
  const members = await killQuorum();
  first.stdin.end('go\n');
  await untilState(first, 'cleanup.recording');
  // Longer than the bound of a release.
  await pause(5000);
  await Promise.all(members.map((member) => member.restart()));
  const { status, stderr } = await first.ended;
  expect(status).toBe(0);
  expect(stderr).not.toContain('could not record');
  expect(await runLockex(job('quorum', 'echo twice'))).toMatchObject({ status: 0, stdout: '' });
});

it('a record is given up on SIGTERM, with a warning', async () => {
  const first = startLockex(job('stopped', 'echo up; read line'));
  await first.line(/^up$/);
  await killQuorum();
  first.stdin.end('go\n');
  await untilState(first, 'cleanup.recording');
  first.signal('SIGTERM');
  const { status, stderr } = await first.ended;
  expect(status).toBe(0);
  expect(stderr).toContain('could not record the successful run: it may run again too early');
});
