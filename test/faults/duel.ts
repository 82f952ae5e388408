/**
 * A holder and a standby for one lock. Their commands write a journal with monotonic times
 * (worker.pl); its judge checks that never two ran at once and that the fencing tokens grew; then
 * the test checks that nothing is left behind.
 */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, TestRunner } from 'vitest';
import type { Identity } from '../../src/command/options.ts';
import { contentOf, startLockex, temporaryFolder } from '../e2e/program.ts';
import { type Deed, judgeJournal, type Kill } from '../support/journal.ts';
import {
  describe as describeProcess,
  guardsOf,
  isStill,
  processesNaming,
} from '../support/process-list.ts';
import { isAlive, type Program } from '../support/processes.ts';
import { eventually, until } from '../support/until.ts';
import { childrenOf } from '../support/zookeeper.ts';

const WORKER = fileURLToPath(new URL('../support/worker.pl', import.meta.url));
const WORK_MS = 600_000;
/** Lifetime of a lockex: longer than any test here. */
const LIFE_MS = 180_000;
/** Generous bound for events that must happen, also on a busy host. */
const PATIENCE_MS = 90_000;

export interface Side {
  readonly hosts: string;
  /** Session timeout, seconds. */
  readonly timeout: number;
  readonly options?: readonly string[];
  /** The behaviour of the command besides its work: see worker.pl. */
  readonly mode?: 'plain' | 'stubborn' | 'family' | 'loner';
  readonly env?: NodeJS.ProcessEnv;
}

/** Resolves when the holder runs and the standby waits. */
export async function duel(holding: Side, waiting: Side): Promise<Duel> {
  const of = new Duel(temporaryFolder(), holding, waiting);
  await of.begin();
  return of;
}

export class Duel {
  readonly holder: Program;
  #standby: Program | null = null;
  readonly #directory: string;
  readonly #waiting: Side;
  #holderPid = 0;
  readonly #guards: Identity[] = [];
  readonly #kills: Kill[] = [];
  #faultAt = 0;

  constructor(directory: string, holding: Side, waiting: Side) {
    this.#directory = directory;
    this.#waiting = waiting;
    writeFileSync(this.#file('journal'), '');
    writeFileSync(this.#file('counter'), `${'0'.repeat(15)}\n`);
    mkdirSync(this.#file('temporary'));
    this.holder = this.#start('holder', holding);
  }

  async begin(): Promise<void> {
    this.#holderPid = await this.#runs('holder', this.holder);
    this.#standby = this.#start('standby', this.#waiting);
    await this.#standby.line(/"queue":/, 'stderr');
    this.#faultAt = now();
  }

  get standby(): Program {
    if (this.#standby === null) throw new Error('not begun');
    return this.#standby;
  }

  /** Pid of the holder's command. */
  get holderPid(): number {
    return this.#holderPid;
  }

  get holderGuard(): number {
    const [guard] = this.#guards;
    if (guard === undefined) throw new Error('no guard');
    return guard.pid;
  }

  /** Call right before the fault is made: times are counted from here. */
  fault(kind?: 'kill'): void {
    this.#faultAt = now();
    if (kind) this.#kills.push({ at: this.#faultAt, event: kind, contender: 'holder' });
  }

  async standbyRuns(): Promise<void> {
    await this.#runs('standby', this.standby);
    expect(await isAlive(this.#holderPid)).toBe(false);
  }

  /**
   * Until the lock has changed hands and both have ended; checks the journal and what is left
   * behind.
   */
  async handsOver(holderStatus?: number): Promise<void> {
    await this.standbyRuns();
    const { status } = await this.holder.ended;
    if (holderStatus !== undefined) expect(status).toBe(holderStatus);
    this.standby.signal('SIGTERM');
    expect((await this.standby.ended).status).toBe(143);
    await this.#leavesNothing();
    const journal = contentOf(this.#file('journal'));
    const verdict = judgeJournal(journal, Number(contentOf(this.#file('counter'))), this.#kills);
    expect(verdict).toMatchObject({ verdict: 'valid', acquisitions: 2 });
    await this.#report(deedsIn(journal));
  }

  /** The same command under the same pid after a reconnection; then as above. */
  async survives(): Promise<void> {
    await this.holder.line(/"state":"running".*connected again/, 'stderr', PATIENCE_MS);
    await this.endsUnharmed();
  }

  /** The command runs until SIGTERM. */
  async endsUnharmed(): Promise<void> {
    expect(await isAlive(this.#holderPid)).toBe(true);
    expect(this.standby.stdout).toBe('');
    this.fault();
    this.holder.signal('SIGTERM');
    await this.handsOver(143);
  }

  #file(name: string): string {
    return `${this.#directory}/${name}`;
  }

  #start(name: string, { hosts, timeout, options = [], mode = 'family', env }: Side): Program {
    const words = [WORKER, this.#file('journal'), this.#file('counter'), name, 0, mode, WORK_MS];
    const lockex = ['-z', hosts, '-i', 'duel', '-T', `${timeout}`, '--kill-after', '0.3'];
    const program = startLockex(
      [...lockex, ...options, '--', `echo ${name} $$; exec perl ${words.join(' ')}`],
      { env: { ...env, TMPDIR: this.#file('temporary') }, maxLifeMs: LIFE_MS },
    );
    // A stopped process could not be ended.
    onTestFinished(() => program.signal('SIGCONT'));
    return program;
  }

  /** Until its command has made its first entry in the journal; resolves with its pid. */
  async #runs(name: string, program: Program): Promise<number> {
    const line = await program.line(new RegExp(`^${name} \\d+$`), 'stdout', PATIENCE_MS);
    const isNoted = () => contentOf(this.#file('journal')).includes(`"contender":"${name}"`);
    await until(isNoted, `${name}'s first entry`);
    this.#guards.push(...guardsOf(program.pid ?? 0));
    return Number(line.split(' ')[1]);
  }

  async #leavesNothing(): Promise<void> {
    await untilGone(() => this.#guards.filter(isStill).map(describeProcess));
    await untilGone(() => processesNaming(this.#directory).map(describeProcess));
    await untilGone(() => nodesAt(this.#waiting.hosts));
    expect(readdirSync(this.#file('temporary'))).toEqual([]);
  }

  /** Shown by `npm run test:faults`. */
  async #report(deeds: readonly Deed[]): Promise<void> {
    const of = (name: string) => deeds.filter(({ contender }) => contender === name);
    const [last, first] = [of('holder').at(-1), of('standby')[0]];
    if (!last || !first) throw new Error('one of them never ran');
    const since = (at: number) => `${Math.max(0, Math.round((at - this.#faultAt) / 1000))} ms`;
    const times = `stopped after ${since(last.at)}, taken over after ${since(first.at)}`;
    await TestRunner.getCurrentTest()?.context.annotate(
      `${times}, token ${last.token} → ${first.token}, ${deeds.length} entries, no overlap`,
    );
  }
}

/** Microseconds of CLOCK_MONOTONIC, as worker.pl counts them. */
function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function deedsIn(journal: string): Deed[] {
  const lines = journal.trim().split('\n');
  return lines.map((line): Deed => JSON.parse(line)).sort((a, b) => a.at - b.at);
}

/** The contenders' nodes that are left, according to the first of the hosts. */
async function nodesAt(hosts: string): Promise<readonly string[]> {
  const [, host = '', port = '', chroot = ''] = /^([^:]+):(\d+)[^/]*(.*)$/.exec(hosts) ?? [];
  return await childrenOf({ host, port: Number(port), path: `${chroot}/lockex/duel` });
}

/** Until none of these is left; a server removes the nodes of a session with some delay. */
async function untilGone(
  list: () => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  let left: readonly string[] = [];
  const isGone = async () => {
    left = await list();
    return left.length === 0;
  };
  if (await eventually(isGone, PATIENCE_MS)) return;
  throw new Error(`still there: ${left.join(', ')}`);
}
