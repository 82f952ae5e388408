/** A session's id and password allow closing it, so both must stay secret. */
import { readdirSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { openSession } from '../support/session.ts';
import { sharedServer, sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, startLockex, temporaryDirectory, untilQueued } from './program.ts';

/** Arguments and environments of all current processes. */
function everyProcess(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => [contentOf(`/proc/${pid}/cmdline`), contentOf(`/proc/${pid}/environ`)])
    .join('\n');
}

it('the session id is in no log, trace, argument or environment, nor the reaper’s', async () => {
  const { host, port } = sharedServer();
  const { connectString, chroot } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  const trace = `${temporaryDirectory()}/trace`;
  const args = ['-i', 's', '-T', '30', '-v', '--', 'echo $LOCKEX_LOCK_PATH; env; exec sleep 600'];
  const holder = startLockex(['-z', `${proxy.connectString}${chroot}`, ...args], {
    env: { LOCKEX_TRACE: trace },
  });
  const path = await holder.line(/^\/lockex\/s\//);
  const witness = await openSession({ host, port }, chroot);
  const id = (await witness.exists(path))?.ephemeralOwner ?? 0n;
  expect(id).toBeGreaterThan(2n ** 32n);
  const forms = new RegExp(`${id.toString(16)}|${id}`, 'i');

  const standby = startLockex(['-z', connectString, ...args]);
  await untilQueued(standby);
  expect(everyProcess()).not.toMatch(forms);
  // The reaper cannot reach the server yet, so it is still running.
  await proxy.blackhole('both');
  holder.signal('SIGKILL');
  await vi.waitUntil(() => /[-/]reaper(\.js)?\0/.test(everyProcess()), { timeout: 30_000 });
  expect(everyProcess()).not.toMatch(forms);
  await proxy.pass();
  await standby.line(/^\/lockex\/s\//);
  const { stdout, stderr } = await holder.ended;
  expect(contentOf(trace)).toContain('lock.confirmed');
  expect(`${stdout}${stderr}${contentOf(trace)}`).not.toMatch(forms);
});
