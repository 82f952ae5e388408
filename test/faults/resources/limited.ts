/** Shared by the tests of exhausted resources: duels with limits, and what is expected of them. */
import { expect, it, onTestFinished, type TestContext } from 'vitest';
import { logOf, PROGRAM, runLockex, startLockex } from '../../e2e/program.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { type Controller, LimitedGroup, limitedGroup, limitProcess } from '../../support/limits.ts';
import { guardsOf, initsOf } from '../../support/process-list.ts';
import type { Ended, Program } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { Wiretap } from '../../support/wiretap.ts';
import { childrenOf, sharedServer, sharedServerWithChroot } from '../../support/zookeeper.ts';
import { type Duel, duel, type Side } from '../duel.ts';

/** Session timeout where the standby has to wait for it, or the holder loses it; seconds. */
export const T = 4;
/** Short, so that a renewal comes every two seconds; long enough for a busy host. */
export const RENEWED_T = 12;
/** For what goes on, or ends at once: long enough for a busy host. */
export const LONG_T = 60;
/** Its runtime needs new threads at times, and aborts where it gets none. */
export const isStandalone = !PROGRAM.endsWith('.js');
/** The other rows of the table: LOCKEX_ALL_RESOURCES=1 npm run test:faults. */
export const isThorough = process.env['LOCKEX_ALL_RESOURCES'] === '1';
export const more = it.runIf(isThorough);
export const MEGABYTE = 1024 * 1024;

/** Two renewals: each is a pair of confirmed requests (docs/safety.md). */
const CONFIRMATIONS = 4;
/** Longer than any start here; a runtime that gets no threads may hang for ever. */
const MAX_LIFE_MS = 10_000;

export async function proxiedDuel(
  timeout = T,
  holding: Partial<Side> = {},
  waiting: Partial<Side> = {},
): Promise<{ proxy: FaultProxy; of: Duel }> {
  const { host, port } = sharedServer();
  const { chroot, connectString } = await sharedServerWithChroot();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  const hosts = `${proxy.connectString}${chroot}`;
  const standby = { hosts: connectString, timeout, ...waiting };
  const of = await duel({ hosts, timeout, ...holding }, standby);
  return { proxy, of };
}

/** The holder's renewals are seen on their way. */
export async function tappedDuel(
  holding: Partial<Side> = {},
): Promise<{ of: Duel; untilRenewed: () => Promise<void> }> {
  const { chroot, connectString } = await sharedServerWithChroot();
  const tap = new Wiretap(sharedServer());
  onTestFinished(() => tap.close());
  const hosts = `${await tap.listen()}${chroot}`;
  const standby = { hosts: connectString, timeout: RENEWED_T };
  const of = await duel({ hosts, timeout: RENEWED_T, ...holding }, standby);
  const untilRenewed = async () => {
    tap.messages.length = 0;
    const confirmed = () =>
      tap.sentBy('server').filter((operation) => operation === 'multi').length;
    await until(() => confirmed() >= CONFIRMATIONS, 'renewals');
  };
  return { of, untilRenewed };
}

export function pidOf(of: Duel): number {
  return of.holder.pid ?? 0;
}

export function initPid(of: Duel, { skip }: TestContext): number {
  return initsOf(pidOf(of))[0]?.pid ?? skip('the command has no init on this host');
}

/** Another guard than the first one guards the holder's command. */
export async function untilGuardReplaced(of: Duel): Promise<void> {
  const isReplaced = () => guardsOf(pidOf(of)).some(({ pid }) => pid !== of.holderGuard);
  await until(isReplaced, 'another guard');
}

/** lockex ended by itself, with one line that says why. */
export async function saysWhy(of: Duel, reason: RegExp): Promise<void> {
  const lines = logOf(await of.holder.ended);
  expect(lines.at(-1)).toMatchObject({ level: 'error', state: 'done' });
  expect(lines.at(-1)?.['message']).toMatch(reason);
}

/**
 * Limits a program that began with USED_UP_A_SECOND, and gives it work until it has ended: the
 * kernel looks at the limit when a tick of its clock meets the process at work
 * (kernel/time/posix-cpu-timers.c).
 */
export async function exhaustCpuTimeOf(program: Program): Promise<Ended> {
  limitProcess(program.pid ?? 0, { cpu: '1:' });
  const work = setInterval(() => program.signal('SIGWINCH'), 1);
  return await program.ended.finally(() => clearInterval(work));
}

/** Skips the test, with the reason, where this host has no such controller. */
export function groupWith(controller: Controller, { skip }: TestContext): LimitedGroup {
  const group = limitedGroup(controller);
  return group instanceof LimitedGroup ? group : skip(group.reason);
}

/** The next one gets the lock at once, or when the session of the first has ended. */
export async function isFree(hosts: string): Promise<void> {
  const args = ['-z', hosts, '-i', 'x', '-T', String(LONG_T), '--', 'echo next'];
  expect(await runLockex(args)).toMatchObject({ status: 0, stdout: 'next\n' });
  const [, chroot = ''] = /(\/.*)$/.exec(hosts) ?? [];
  const nodes = () => childrenOf({ ...sharedServer(), path: `${chroot}/lockex/x` });
  await until(async () => (await nodes()).length === 0, 'the end of all contenders');
}

/** Runs lockex with `echo ran` behind this prefix to its end; the lock is free then. */
export async function startsThrough(
  through: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<Ended> {
  const { connectString } = await sharedServerWithChroot();
  const args = ['-z', connectString, '-i', 'x', '--', 'echo ran'];
  const options = { through, maxLifeMs: MAX_LIFE_MS, ...(env && { env }) };
  const ended = await startLockex(args, options).ended;
  await isFree(connectString);
  return ended;
}
