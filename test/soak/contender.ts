/**
 * One contender: a lockex that is restarted whenever it exits, as by supervisord, and its own
 * proxies to the members. It decides nothing about faults.
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
import type { SoakDirectory } from './soak-directory.ts';
import type { SoakLock } from './soak-lock.ts';
import { nowUs } from './time.ts';

export const SESSION_TIMEOUT_S = 4;
const KILL_AFTER_S = 0.5;
const MODES = ['plain', 'plain', 'stubborn', 'background', 'detached'] as const;
/**
 * Duration of the commands. Some are longer than the session timeout: a command that ends before
 * another contender could acquire the lock proves nothing.
 */
const WORK_MS = [
  { min: 200, max: 3000 },
  { min: 200, max: 3000 },
  { min: 4000, max: 12_000 },
] as const;
const PAUSE_MS = { min: 20, max: 400 };
const STOPPED_WITHIN_MS = 20_000;
/** The user `nobody` may not create cgroups, so lockex finds the processes by its other means. */
const UNPRIVILEGED_UID = 65_534;

export interface ContenderOptions {
  readonly name: string;
  readonly directory: SoakDirectory;
  /** The lock that it contends for. */
  readonly lock: SoakLock;
  readonly random: Random;
  /** Runs lockex with `--on-lost rejoin`. */
  readonly rejoins: boolean;
  /** Runs as the user `nobody`; requires root. */
  readonly unprivileged: boolean;
  readonly noGuard: boolean;
}

export class Contender {
  readonly name: string;
  readonly lock: SoakLock;
  readonly proxies: readonly FaultProxy[];
  readonly kills: Kill[] = [];
  /** How often its lockexes ended with which status or signal, or were stopped at the end. */
  readonly endings = new Map<string, number>();
  /** All guards that were seen; none may be left at the end. */
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

  /** Pid of the running lockex; undefined between two of them. */
  get pid(): number | undefined {
    const child = this.#child;
    const ended = child === undefined || child.exitCode !== null || child.signalCode !== null;
    return ended ? undefined : child.pid;
  }

  /** Resets its lockex's connections to the members. */
  resetConnections(): void {
    for (const proxy of this.proxies) proxy.reset();
  }

  /** Records the guards of its lockex. */
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

  /** Sends SIGTERM; false if that was not enough and it had to send SIGKILL. */
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
      const log = openSync(this.#options.directory.file(`${this.name}.log`), 'a');
      const child = this.#launch(log);
      closeSync(log);
      this.#child = child;
      const [status, signal] = await once(child, 'exit');
      const ending = this.#stopping ? 'stopped at the end' : String(signal ?? status);
      this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
      // Short, so it is not worth cancelling.
      if (!this.#stopping) await sleep(random.between(PAUSE_MS.min, PAUSE_MS.max));
    }
  }

  #launch(log: number): ChildProcess {
    const { name, lock } = this;
    const { directory, random, rejoins, unprivileged, noGuard } = this.#options;
    const work = random.pick(WORK_MS);
    const workMs = Math.round(random.between(work.min, work.max));
    const access = lock.accessBy(random);
    const args = [name, ++this.#starts, random.pick(MODES), workMs, access].map(String);
    const worker = ['/usr/bin/perl', directory.worker, ...lock.workerFiles, ...args];
    const hosts = this.proxies.map((proxy) => proxy.connectString).join(',');
    const options = ['-z', hosts, '-T', String(SESSION_TIMEOUT_S), ...lock.lockexOptions(access)];
    options.push('--kill-after', String(KILL_AFTER_S), '--log-format', 'json', '-v');
    if (rejoins) options.push('--on-lost', 'rejoin');
    if (noGuard) options.push('--no-guard');
    return spawn(process.execPath, [directory.program, ...options, '--', ...worker], {
      // Its own process group, so that ^C on the terminal reaches only the soak, which stops it in
      // order.
      detached: true,
      stdio: ['ignore', log, log],
      env: directory.environment(name),
      ...(unprivileged && { uid: UNPRIVILEGED_UID, gid: UNPRIVILEGED_UID }),
    });
  }
}

export async function createContender(
  options: ContenderOptions,
  members: readonly Server[],
): Promise<Contender> {
  const proxies: FaultProxy[] = [];
  for (const { host, port } of members) proxies.push(await startFaultProxy(host, port));
  return new Contender(options, proxies);
}
