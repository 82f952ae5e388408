/**
 * A holder and a standby for one lock. Their commands write a journal with monotonic time
 * (worker.pl). The judge of the journal decides whether two ran at once and whether the fencing
 * tokens increased. The duel also checks that they leave nothing behind.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, TestRunner } from 'vitest';
import type { Identity } from '../../src/command/options.ts';
import { contentOf, startLockex, temporaryDirectory } from '../e2e/program.ts';
import { type JournalEntry, judgeJournal, type Kill } from '../support/journal.ts';
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
/** Of a lockex; longer than any test here. */
const MAX_LIFE_MS = 180_000;
/** Bound of all waits, also on a busy host. */
const PATIENCE_MS = 90_000;

export interface Side {
  readonly hosts: string;
  /** Session timeout, seconds. */
  readonly timeout: number;
  readonly options?: readonly string[];
  /** The mode of worker.pl. */
  readonly mode?: 'plain' | 'stubborn' | 'background' | 'detached';
  readonly env?: NodeJS.ProcessEnv;
  /** Prefix of lockex's command line: a program that sets a limit and executes the rest. */
  readonly through?: readonly string[];
}

/** Resolves when the holder runs and the standby waits. */
export async function duel(holding: Side, waiting: Side): Promise<Duel> {
  const of = new Duel(temporaryDirectory(), holding, waiting);
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

  /** Durations are measured from here: call it just before the fault is injected. */
  fault(kind?: 'kill'): void {
    this.#faultAt = now();
    if (kind) this.#kills.push({ at: this.#faultAt, event: kind, contender: 'holder' });
  }

  async standbyRuns(): Promise<void> {
    await this.#runs('standby', this.standby);
    expect(await isAlive(this.#holderPid)).toBe(false);
  }

  /**
   * Waits until the standby has acquired the lock and both have exited; then judges the journal.
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
    await this.#report(entriesIn(journal));
  }

  /** Waits until the holder has reconnected, still with the same command; then ends as above. */
  async survives(): Promise<void> {
    await this.holder.line(/"state":"running".*reconnected/, 'stderr', PATIENCE_MS);
    await this.endsUnharmed();
  }

  /** Checks that the holder's command still runs, and stops it. */
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

  #start(
    name: string,
    { hosts, timeout, options = [], mode = 'background', env, through }: Side,
  ): Program {
    const args = [WORKER, this.#file('journal'), this.#file('counter'), name, 0, mode, WORK_MS];
    const lockex = ['-z', hosts, '-i', 'duel', '-T', `${timeout}`, '--kill-after', '0.3'];
    const program = startLockex(
      [...lockex, ...options, '--', `echo ${name} $$; exec perl ${args.join(' ')}`],
      {
        env: { ...env, TMPDIR: this.#file('temporary') },
        maxLifeMs: MAX_LIFE_MS,
        ...(through !== undefined && { through }),
      },
    );
    // A stopped process would not react to SIGTERM.
    onTestFinished(() => program.signal('SIGCONT'));
    return program;
  }

  /** Waits until its command works; returns the command's pid. */
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

  /** Annotates the test with the measured times. */
  async #report(entries: readonly JournalEntry[]): Promise<void> {
    const of = (name: string) => entries.filter(({ contender }) => contender === name);
    const [last, first] = [of('holder').at(-1), of('standby')[0]];
    if (!last || !first) throw new Error('one of them never ran');
    const since = (at: number) => `${Math.max(0, Math.round((at - this.#faultAt) / 1000))} ms`;
    const times = `stopped after ${since(last.at)}, taken over after ${since(first.at)}`;
    await TestRunner.getCurrentTest()?.context.annotate(
      `${times}, token ${last.token} → ${first.token}, ${entries.length} entries, no overlap`,
    );
  }
}

/** Microseconds of CLOCK_MONOTONIC, as worker.pl counts them. */
function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function entriesIn(journal: string): JournalEntry[] {
  const lines = journal.trim().split('\n');
  return lines.map((line): JournalEntry => JSON.parse(line)).sort((a, b) => a.at - b.at);
}

/** The remaining nodes of contenders, as seen by the first host. */
async function nodesAt(hosts: string): Promise<readonly string[]> {
  const [, host = '', port = '', chroot = ''] = /^([^:]+):(\d+)[^/]*(.*)$/.exec(hosts) ?? [];
  return await childrenOf({ host, port: Number(port), path: `${chroot}/lockex/duel` });
}

/** Waits until nothing remains; a server deletes the nodes of a session with a delay. */
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
