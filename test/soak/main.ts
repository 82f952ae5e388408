/**
 * The soak: contenders for locks of several kinds on a real ensemble, while a nemesis makes faults; in
 * the end the judge says for each lock whether more commands ran at once than it allows. Bundled and
 * called by scripts/soak.ts.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, isStill, processesNaming, signal } from '../support/process-list.ts';
import { randomOf } from '../support/random.ts';
import { eventually } from '../support/until.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { type Contender, makeContender } from './contender.ts';
import { Nemesis } from './nemesis.ts';
import { parseSoakOptions, type SoakOptions, USAGE } from './options.ts';
import { type LockResult, reportOf, type SoakResult } from './report.ts';
import { SoakLock } from './soak-lock.ts';
import { nowUs } from './time.ts';
import { Workshop } from './workshop.ts';

/** Beyond the time of the faults: starting, healing, stopping. After it, all is killed. */
const OVERTIME_MS = 240_000;
/** A session that nobody closed is gone after this long, and so is its node. */
const FORGOTTEN_WITHIN_MS = 15_000;
const PROGRESS_WITHIN_MS = 30_000;
const GONE_WITHIN_MS = 10_000;
/** What a lockex may end with here: its command's, leftovers stopped, lost, no session. */
const EXPECTED_ENDINGS = ['0', '122', '124', '125', 'SIGKILL', 'stopped in the end'];

/** Gives the exit status: 0 only when all went well, 1 when not, 2 for a wrong command line. */
export async function soak(argv: readonly string[], projectRoot: string): Promise<number> {
  let options: SoakOptions;
  try {
    options = parseSoakOptions(argv, () => randomInt(2 ** 31));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    return 2;
  }
  const workshop = new Workshop(projectRoot);
  const result = await runBounded(options, workshop);
  process.stdout.write(`${reportOf(result)}\n`);
  const allValid = result.locks.every(({ verdict }) => verdict.verdict === 'valid');
  const good = allValid && result.failures.length === 0;
  if (good && !options.keep) workshop.remove();
  else {
    writeFileSync(workshop.file('result.json'), JSON.stringify(result, undefined, 1));
    process.stdout.write(`journals, logs and traces: ${workshop.directory}\n`);
  }
  return good ? 0 : 1;
}

async function runBounded(options: SoakOptions, workshop: Workshop): Promise<SoakResult> {
  const boundMs = options.minutes * 60_000 + OVERTIME_MS;
  const watchdog = setTimeout(() => {
    process.stderr.write(`soak: not at its end after ${boundMs / 1000} s: everything is killed\n`);
    for (const found of processesNaming(workshop.directory)) signal(found, 'SIGKILL');
    // The servers end with us.
    process.exit(1);
  }, boundMs);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const cluster = await startCluster(Math.ceil(boundMs / 1000));
    try {
      return await run(options, workshop, cluster, interrupted.signal);
    } finally {
      await cluster.stop();
    }
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    clearTimeout(watchdog);
  }
}

async function run(
  options: SoakOptions,
  workshop: Workshop,
  cluster: Cluster,
  interruption: AbortSignal,
): Promise<SoakResult> {
  const { minutes, seed } = options;
  const startedAt = nowUs();
  const log = (text: string) => {
    const at = ((nowUs() - startedAt) / 1e6).toFixed(1).padStart(7);
    process.stdout.write(`${at} s  ${text}\n`);
  };
  const locks = options.kinds.map((kind) => new SoakLock(kind, workshop));
  const contenders = await makeContenders(options, locks, workshop, cluster);
  const nemesis = new Nemesis({
    cluster,
    contenders,
    random: randomOf(seed, 'nemesis'),
    locks,
    log,
    signal: interruption,
  });
  const failures: string[] = [];
  log(`seed ${seed}, times count from ${(startedAt / 1e6).toFixed(6)} s of the journal`);
  try {
    for (const contender of contenders) contender.start();
    failures.push(...(await failuresOfProgress(locks, 'at the start')));
    await nemesis.rage(minutes * 60_000);
    failures.push(...(await failuresOfProgress(locks, 'after all was healed')));
  } catch (error) {
    failures.push(`the faults: ${error instanceof Error ? error.stack : error}`);
  }
  const lastedMinutes = (nowUs() - startedAt) / 60e6;
  failures.push(...(await stopAll(contenders, workshop)));
  failures.push(...(await failuresOfRelease(cluster)));
  for (const contender of contenders) await contender.closeProxies();
  if (interruption.aborted) failures.push('interrupted');
  const endings = sumOf(contenders.map((contender) => contender.endings));
  for (const ending of endings.keys()) {
    if (!EXPECTED_ENDINGS.includes(ending)) failures.push(`a lockex ended with ${ending}`);
  }
  return {
    options,
    lastedMinutes,
    locks: locks.map((lock) => resultOf(lock, contenders)),
    faults: nemesis.records,
    missed: nemesis.missed,
    endings,
    failures,
  };
}

function resultOf(lock: SoakLock, all: readonly Contender[]): LockResult {
  const contenders = all.filter((contender) => contender.lock === lock);
  const kills = contenders.flatMap((contender) => contender.kills);
  return { kind: lock.kind, contenders: contenders.length, verdict: lock.verdict(kills) };
}

/** Every other one goes back into the queue by itself; where we may, some run as nobody. */
async function makeContenders(
  { contenders: count, seed, noGuard }: SoakOptions,
  locks: readonly SoakLock[],
  workshop: Workshop,
  cluster: Cluster,
): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (let index = 1; index <= count; index++) {
    const name = `c${index}`;
    const lock = locks[(index - 1) % locks.length];
    if (lock === undefined) throw new Error('there are no locks');
    const traits = {
      rejoins: index % 2 === 0,
      unprivileged: process.getuid?.() === 0 && index % 4 > 1,
      noGuard,
    };
    const own = { name, workshop, lock, random: randomOf(seed, name), ...traits };
    contenders.push(await makeContender(own, cluster.members));
  }
  return contenders;
}

/** No fault is made meanwhile: each lock has to be held again. */
async function failuresOfProgress(locks: readonly SoakLock[], when: string): Promise<string[]> {
  const since = nowUs();
  const stuck = () => locks.filter((lock) => lock.newestDeedAt <= since);
  await eventually(() => stuck().length === 0, PROGRESS_WITHIN_MS);
  return stuck().map(({ kind }) => {
    return `${when} the ${kind} is not held for ${PROGRESS_WITHIN_MS / 1000} s`;
  });
}

/** Ends all contenders; what then still runs, or lies about, is a failure, and killed. */
async function stopAll(contenders: readonly Contender[], workshop: Workshop): Promise<string[]> {
  const inTime = await Promise.all(contenders.map((contender) => contender.stop()));
  const failures = contenders.flatMap(({ name }, index) =>
    inTime[index] ? [] : [`the lockex of ${name} did not end at SIGTERM`],
  );
  const left = () => {
    const guards = contenders.flatMap((contender) => contender.guards).filter(isStill);
    return [...processesNaming(workshop.directory), ...guards];
  };
  await eventually(() => left().length === 0, GONE_WITHIN_MS);
  for (const found of left()) {
    failures.push(`left behind: ${describe(found)}`);
    signal(found, 'SIGKILL');
  }
  failures.push(...workshop.leftovers().map((name) => `a temporary file is left: ${name}`));
  return failures;
}

async function failuresOfRelease(cluster: Cluster): Promise<string[]> {
  let nodes: string[] = [];
  await eventually(async () => {
    nodes = await cluster.ephemerals();
    return nodes.length === 0;
  }, FORGOTTEN_WITHIN_MS);
  return nodes.map((node) => `a node is left: ${node}`);
}

function sumOf(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const [key, times] of counts.flatMap((count) => [...count])) {
    sum.set(key, (sum.get(key) ?? 0) + times);
  }
  return sum;
}
