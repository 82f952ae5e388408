/**
 * The soak: contenders compete for locks of several kinds on a real ensemble while a nemesis
 * injects faults. At the end, the judge decides for each lock whether its history is valid. Bundled
 * and called by scripts/soak.js.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, isStill, processesNaming, signal } from '../support/process-list.ts';
import { randomOf } from '../support/random.ts';
import { eventually } from '../support/until.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { type Contender, createContender } from './contender.ts';
import { Nemesis } from './nemesis.ts';
import { parseSoakOptions, type SoakOptions, USAGE } from './options.ts';
import { type LockResult, reportOf, type SoakResult } from './report.ts';
import { SoakDirectory } from './soak-directory.ts';
import { SoakLock } from './soak-lock.ts';
import { nowUs } from './time.ts';

/** Time for starting, healing and stopping, besides the faults. After it, everything is killed. */
const OVERTIME_MS = 240_000;
/** A session that was not closed, and its nodes, must be gone after this time. */
const EXPIRED_WITHIN_MS = 15_000;
const PROGRESS_WITHIN_MS = 30_000;
const GONE_WITHIN_MS = 10_000;
/** Allowed exit statuses: the command's, leftovers stopped, lock lost, no session. */
const EXPECTED_ENDINGS = ['0', '122', '124', '125', 'SIGKILL', 'stopped at the end'];

/** Resolves to the exit status: 0 for success, 1 for a failure, 2 for a usage error. */
export async function soak(argv: readonly string[], projectRoot: string): Promise<number> {
  let options: SoakOptions;
  try {
    options = parseSoakOptions(argv, () => randomInt(2 ** 31));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    return 2;
  }
  const directory = new SoakDirectory(projectRoot);
  const result = await runBounded(options, directory);
  process.stdout.write(`${reportOf(result)}\n`);
  const allValid = result.locks.every(({ verdict }) => verdict.verdict === 'valid');
  const good = allValid && result.failures.length === 0;
  if (good && !options.keep) directory.remove();
  else {
    writeFileSync(directory.file('result.json'), JSON.stringify(result, undefined, 1));
    process.stdout.write(`journals, logs and traces: ${directory.path}\n`);
  }
  return good ? 0 : 1;
}

async function runBounded(options: SoakOptions, directory: SoakDirectory): Promise<SoakResult> {
  const boundMs = options.minutes * 60_000 + OVERTIME_MS;
  const watchdog = setTimeout(() => {
    process.stderr.write(`soak: not finished after ${boundMs / 1000} s: killing everything\n`);
    for (const found of processesNaming(directory.path)) signal(found, 'SIGKILL');
    // The servers end with this process.
    process.exit(1);
  }, boundMs);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const cluster = await startCluster(Math.ceil(boundMs / 1000));
    try {
      return await run(options, directory, cluster, interrupted.signal);
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
  directory: SoakDirectory,
  cluster: Cluster,
  interruption: AbortSignal,
): Promise<SoakResult> {
  const { minutes, seed } = options;
  const startedAt = nowUs();
  const log = (text: string) => {
    const at = ((nowUs() - startedAt) / 1e6).toFixed(1).padStart(7);
    process.stdout.write(`${at} s  ${text}\n`);
  };
  const locks = options.kinds.map((kind) => new SoakLock(kind, directory));
  const contenders = await createContenders(options, locks, directory, cluster);
  const nemesis = new Nemesis({
    cluster,
    contenders,
    random: randomOf(seed, 'nemesis'),
    locks,
    log,
    signal: interruption,
  });
  const failures: string[] = [];
  log(`seed ${seed}, times are relative to ${(startedAt / 1e6).toFixed(6)} s of the journal`);
  try {
    for (const contender of contenders) contender.start();
    failures.push(...(await failuresOfProgress(locks, 'at the start')));
    await nemesis.run(minutes * 60_000);
    failures.push(...(await failuresOfProgress(locks, 'after the last fault')));
  } catch (error) {
    failures.push(`injecting faults: ${error instanceof Error ? error.stack : error}`);
  }
  const lastedMinutes = (nowUs() - startedAt) / 60e6;
  failures.push(...(await stopAll(contenders, directory)));
  failures.push(...(await failuresOfRelease(cluster)));
  for (const contender of contenders) await contender.closeProxies();
  if (interruption.aborted) failures.push('interrupted');
  const endings = sumOf(contenders.map((contender) => contender.endings));
  for (const ending of endings.keys()) {
    if (!EXPECTED_ENDINGS.includes(ending)) failures.push(`unexpected exit of a lockex: ${ending}`);
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

/** Every other contender rejoins; as root, half of them run as `nobody`. */
async function createContenders(
  { contenders: count, seed, noGuard }: SoakOptions,
  locks: readonly SoakLock[],
  directory: SoakDirectory,
  cluster: Cluster,
): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (let index = 1; index <= count; index++) {
    const name = `c${index}`;
    const lock = locks[(index - 1) % locks.length];
    if (lock === undefined) throw new Error('no locks');
    const traits = {
      rejoins: index % 2 === 0,
      unprivileged: process.getuid?.() === 0 && index % 4 > 1,
      noGuard,
    };
    const own = { name, directory, lock, random: randomOf(seed, name), ...traits };
    contenders.push(await createContender(own, cluster.members));
  }
  return contenders;
}

/** Called while there is no fault: each lock must be acquired again. */
async function failuresOfProgress(locks: readonly SoakLock[], when: string): Promise<string[]> {
  const since = nowUs();
  const stuck = () => locks.filter((lock) => lock.newestEntryAt <= since);
  await eventually(() => stuck().length === 0, PROGRESS_WITHIN_MS);
  return stuck().map(({ kind }) => {
    return `${kind}: not held ${when} for ${PROGRESS_WITHIN_MS / 1000} s`;
  });
}

/** Stops all contenders. Remaining processes, which it kills, and temporary files are failures. */
async function stopAll(
  contenders: readonly Contender[],
  directory: SoakDirectory,
): Promise<string[]> {
  const inTime = await Promise.all(contenders.map((contender) => contender.stop()));
  const failures = contenders.flatMap(({ name }, index) =>
    inTime[index] ? [] : [`the lockex of ${name} did not exit on SIGTERM`],
  );
  const left = () => {
    const guards = contenders.flatMap((contender) => contender.guards).filter(isStill);
    return [...processesNaming(directory.path), ...guards];
  };
  await eventually(() => left().length === 0, GONE_WITHIN_MS);
  for (const found of left()) {
    failures.push(`process left behind: ${describe(found)}`);
    signal(found, 'SIGKILL');
  }
  failures.push(...directory.leftovers().map((name) => `temporary file left behind: ${name}`));
  return failures;
}

async function failuresOfRelease(cluster: Cluster): Promise<string[]> {
  let nodes: string[] = [];
  await eventually(async () => {
    nodes = await cluster.ephemerals();
    return nodes.length === 0;
  }, EXPIRED_WITHIN_MS);
  return nodes.map((node) => `node left behind: ${node}`);
}

function sumOf(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const [key, times] of counts.flatMap((count) => [...count])) {
    sum.set(key, (sum.get(key) ?? 0) + times);
  }
  return sum;
}
