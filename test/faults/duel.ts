/**
 * A holder and a standby for one lock, each writing its name into one journal for as long as it
 * lives. The journal is opened for appending, one short line a write: its order is what happened.
 */
import { expect, onTestFinished } from 'vitest';
import { contentOf, startLockex, temporaryFolder } from '../e2e/program.ts';
import { isAlive, type Program } from '../support/processes.ts';

export interface Duel {
  readonly holder: Program;
  readonly standby: Program;
  /** Pid of the holder's command. */
  readonly holderPid: number;
  /** Until the standby's command runs; gives how long that took since the duel was set up. */
  standbyRuns(): Promise<void>;
  /** Fails unless everything that the holder's command wrote stands before the standby's first line. */
  expectNoOverlap(): void;
}

export interface Side {
  readonly hosts: string;
  /** Session timeout, seconds. */
  readonly timeout: number;
  readonly options?: readonly string[];
}

/** The holder runs and the standby waits when it resolves. */
export async function duel(holding: Side, waiting: Side): Promise<Duel> {
  const journal = `${temporaryFolder()}/journal`;
  const start = (name: string, { hosts, timeout, options = [] }: Side) =>
    startLockex([
      '-z',
      hosts,
      '-i',
      'duel',
      '-T',
      String(timeout),
      '--kill-after',
      '0.3',
      ...options,
      '--',
      `echo ${name} >>${journal}; echo ${name} $$; while :; do echo ${name} >>${journal}; sleep 0.02; done`,
    ]);
  const holder = start('holder', holding);
  const holderPid = Number((await holder.line(/^holder \d+$/)).split(' ')[1]);
  const standby = start('standby', waiting);
  onTestFinished(() => {
    for (const program of [holder, standby]) program.signal('SIGCONT');
  });
  await standby.line(/"queue":/, 'stderr');
  return {
    holder,
    standby,
    holderPid,
    standbyRuns: async () => {
      await standby.line(/^standby \d+$/, 'stdout', 90_000);
    },
    expectNoOverlap: () => {
      const lines = contentOf(journal).trim().split('\n');
      const first = lines.indexOf('standby');
      expect(first, 'the standby never ran').toBeGreaterThan(0);
      expect(lines.lastIndexOf('holder')).toBeLessThan(first);
    },
  };
}

/** Until the lock has changed hands, the holder's command dead before. */
export async function expectHandover(of: Duel, holderStatus: number | null): Promise<void> {
  await of.standbyRuns();
  expect(await isAlive(of.holderPid)).toBe(false);
  of.expectNoOverlap();
  if (holderStatus !== null) expect((await of.holder.ended).status).toBe(holderStatus);
}

/** Still the same command under the same pid, and nobody else's. */
export async function expectSurvival({ holder, holderPid, standby }: Duel): Promise<void> {
  await holder.line(/"state":"running".*connected again/, 'stderr', 90_000);
  expect(await isAlive(holderPid)).toBe(true);
  expect(standby.stdout).toBe('');
  holder.signal('SIGTERM');
  expect((await holder.ended).status).toBe(143);
}
