/**
 * One contender: a lockex that is started again whenever it ends, as supervisord would, and the
 * proxies through which it, alone, sees the members. It decides nothing about faults.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../../scripts/servers/zookeeper.ts';
import type { Identity } from '../../src/command/options.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import type { Kill } from '../support/journal.ts';
import { guardsOf } from '../support/process-list.ts';
import type { Random } from '../support/random.ts';
import type { SoakLock } from './soak-lock.ts';
import { nowUs } from './time.ts';
import type { Workshop } from './workshop.ts';

export const SESSION_TIMEOUT_S = 4;
const KILL_AFTER_S = 0.5;
const MODES = ['plain', 'plain', 'stubborn', 'family', 'loner'] as const;
/**
 * Some work beyond the session timeout: what ends by itself before anybody else could be given the
 * lock proves nothing.
 */
const WORK_MS = [
  { least: 200, most: 3000 },
  { least: 200, most: 3000 },
  { least: 4000, most: 12_000 },
] as const;
const PAUSE_MS = { least: 20, most: 400 };
const STOPPED_WITHIN_MS = 20_000;
/** The user `nobody`: may make no cgroup, so that the other ways to find a family are tried too. */
const NOBODY = 65_534;

export interface ContenderOptions {
  readonly name: string;
  readonly workshop: Workshop;
  /** The one that it contends for, time and again. */
  readonly lock: SoakLock;
  readonly random: Random;
  /** Goes back into the queue by itself when it has lost the lock. */
  readonly rejoins: boolean;
  /** Runs as somebody who may do little. Only root can have it so. */
  readonly unprivileged: boolean;
  readonly noGuard: boolean;
}

export class Contender {
  readonly name: string;
  readonly lock: SoakLock;
  readonly proxies: readonly FaultProxy[];
  readonly kills: Kill[] = [];
  /** How its lockexes ended, and how often: status, signal, or that it was in the end. */
  readonly endings = new Map<string, number>();
  /** Every guard that was seen: none may be left in the end. */
  readonly guards: Identity[] = [];
  readonly #options: ContenderOptions;
  #child: ChildProcess | undefined;
  #starts = 0;
  #stopping = false;
  #loop: Promise<void> | undefined;

  constructor(options: ContenderOptions, proxies: readonly FaultProxy[]) {
    this.name = options.name;
    this.lock = options.lock;
    this.proxies = proxies;
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#keepRunning();
  }

  /** Of the lockex that runs; undefined between two of them. */
  get pid(): number | undefined {
    const child = this.#child;
    const ended = child === undefined || child.exitCode !== null || child.signalCode !== null;
    return ended ? undefined : child.pid;
  }

  /** Those of its lockex to the members. */
  resetConnections(): void {
    for (const proxy of this.proxies) proxy.reset();
  }

  /** Notes the guards that stand beside its lockex. */
  noteGuards(): readonly Identity[] {
    const guards = this.pid === undefined ? [] : guardsOf(this.pid);
    this.guards.push(...guards);
    return guards;
  }

  signal(name: NodeJS.Signals): boolean {
    if (this.pid === undefined) return false;
    return this.#child?.kill(name) ?? false;
  }

  kill(): boolean {
    this.noteGuards();
    const at = nowUs();
    if (!this.signal('SIGKILL')) return false;
    this.kills.push({ at, event: 'kill', contender: this.name });
    return true;
  }

  /** SIGTERM, as supervisord's stop; SIGKILL where that is not enough, which is said as a failure. */
  async stop(): Promise<boolean> {
    this.#stopping = true;
    this.noteGuards();
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const late = sleep(STOPPED_WITHIN_MS, 'late' as const, { ref: false });
    const inTime = (await Promise.race([this.#loop, late])) !== 'late';
    if (!inTime) this.kill();
    await this.#loop;
    return inTime;
  }

  async closeProxies(): Promise<void> {
    for (const proxy of this.proxies) await proxy.close();
  }

  async #keepRunning(): Promise<void> {
    const { random } = this.#options;
    while (!this.#stopping) {
      const log = openSync(this.#options.workshop.file(`${this.name}.log`), 'a');
      const child = this.#launch(log);
      closeSync(log);
      this.#child = child;
      const [status, signal] = await once(child, 'exit');
      const ending = this.#stopping ? 'stopped in the end' : String(signal ?? status);
      this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
      // No reference: only the loop waits for it, and it ends soon in any case.
      if (!this.#stopping) await sleep(random.between(PAUSE_MS.least, PAUSE_MS.most));
    }
  }

  #launch(log: number): ChildProcess {
    const { name, lock } = this;
    const { workshop, random, rejoins, unprivileged, noGuard } = this.#options;
    const work = random.pick(WORK_MS);
    const workMs = Math.round(random.between(work.least, work.most));
    const access = lock.accessBy(random);
    const words = [name, ++this.#starts, random.pick(MODES), workMs, access].map(String);
    const worker = ['/usr/bin/perl', workshop.worker, ...lock.workerFiles, ...words];
    const hosts = this.proxies.map((proxy) => proxy.connectString).join(',');
    const options = ['-z', hosts, '-T', String(SESSION_TIMEOUT_S), ...lock.lockexOptions(access)];
    options.push('--kill-after', String(KILL_AFTER_S), '--log-format', 'json', '-v');
    if (rejoins) options.push('--on-lost', 'rejoin');
    if (noGuard) options.push('--no-guard');
    return spawn(process.execPath, [workshop.program, ...options, '--', ...worker], {
      // A group of its own: a terminal's ^C is for the soak, which stops its contenders in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: workshop.environment(name),
      ...(unprivileged && { uid: NOBODY, gid: NOBODY }),
    });
  }
}

export async function makeContender(
  options: ContenderOptions,
  members: readonly Server[],
): Promise<Contender> {
  const proxies: FaultProxy[] = [];
  for (const { host, port } of members) proxies.push(await startFaultProxy(host, port));
  return new Contender(options, proxies);
}
