/**
 * Shared by the tests of this directory: a supervisor whose events can be awaited, the holder (a
 * process that may be killed), and queries of the process table. `cleanUp` kills the processes that
 * a test leaves, by pid and start time.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import type { CommandEvent, GrantInfo, LeaseInfo } from '../../../machines/contract.ts';
import { embeddedScripts } from '../../../scripts/build/embedded-scripts.ts';
import type { Identity, SupervisorOptions } from '../../../src/command/options.ts';
import { hasVariable } from '../../../src/command/processes/inherited-marks.ts';
import type { ProcessRecord } from '../../../src/command/processes/process-table.ts';
import { CommandSupervisor } from '../../../src/command/supervisor.ts';
import { systemClock } from '../../../src/util/clock.ts';
import type { HolderRequest, HolderSettings } from '../../fixtures/commands/holder-protocol.ts';
import { certain, readProcess, readProcessTable } from '../../support/process-list.ts';
import { until } from '../../support/until.ts';

/** Each is executed as `sh`: bash behaves differently under its own name. */
export const SHELLS: readonly (readonly [string, readonly string[]])[] = [
  ['dash', [asSh('/bin/dash')]],
  ['bash', [asSh('/bin/bash')]],
  ['busybox sh', [asSh('/bin/busybox')]],
];

function asSh(shell: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'shell-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  symlinkSync(shell, join(directory, 'sh'));
  return join(directory, 'sh');
}

export const GRANT: GrantInfo = {
  path: '/lockex/test/abc__lock__0000000001',
  fencingToken: '4711',
};

/** Generous: on an idle host, events come within milliseconds. */
const PATIENCE_MS = 30_000;

export function leaseOf(lengthMs: number, graceMs = 300): LeaseInfo {
  const now = systemClock.now();
  return { provenAt: now, leaseEnd: now + lengthMs, stopAt: now + lengthMs - graceMs };
}

type EventOf<T extends CommandEvent['type']> = Extract<CommandEvent, { type: T }>;

interface Waiter {
  readonly matches: (event: CommandEvent) => boolean;
  readonly take: (event: CommandEvent) => void;
}

/** Events in order; each satisfies one `next` only. */
export class Events {
  readonly all: CommandEvent[] = [];
  readonly #waiters: Waiter[] = [];
  #unread: CommandEvent[] = [];

  readonly push = (event: CommandEvent): void => {
    this.all.push(event);
    const index = this.#waiters.findIndex(({ matches }) => matches(event));
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter === undefined) this.#unread.push(event);
    else waiter.take(event);
  };

  async next<T extends CommandEvent['type']>(type: T): Promise<EventOf<T>> {
    const found = this.#unread.findIndex((event) => event.type === type);
    if (found >= 0) return this.#unread.splice(found, 1)[0] as EventOf<T>;
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`no ${type}, but ${JSON.stringify(this.all)}`));
      const timer = setTimeout(fail, PATIENCE_MS);
      this.#waiters.push({
        matches: (event) => event.type === type,
        take: (event) => {
          clearTimeout(timer);
          resolve(event as EventOf<T>);
        },
      });
    });
  }

  get types(): readonly string[] {
    return this.all.map(({ type }) => type);
  }
}

const cleaners: (() => void | Promise<void>)[] = [];

/** For afterEach. */
export async function cleanUp(): Promise<void> {
  for (const clean of cleaners.splice(0).reverse()) await clean();
}

export function onCleanUp(clean: () => void | Promise<void>): void {
  cleaners.push(clean);
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lockex-command-'));
  onCleanUp(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function newGuid(): string {
  return randomBytes(16).toString('hex');
}

type Settings = Partial<SupervisorOptions> & Pick<SupervisorOptions, 'command'>;

export interface Supervised {
  readonly supervisor: CommandSupervisor;
  readonly events: Events;
  readonly logs: string[];
  readonly marker: string;
  /** Parks, arms and opens; returns the command's pid. */
  run(lease?: LeaseInfo): Promise<number>;
}

export function supervise(settings: Settings): Supervised {
  const events = new Events();
  const logs: string[] = [];
  const guid = settings.guid ?? newGuid();
  const supervisor = new CommandSupervisor({
    env: process.env,
    cwd: process.cwd(),
    lockId: 'test',
    guid,
    guard: true,
    killAfterMs: 2000,
    clock: systemClock,
    log: (_level, message) => logs.push(message),
    reaper: null,
    ...settings,
  });
  supervisor.listen(events.push);
  const marker = `LOCKEX_HELD_${guid}`;
  onCleanUp(async () => {
    supervisor.dispose();
    await until(() => carriers(marker).length === 0);
  });
  const run = async (lease = leaseOf(60_000)) => {
    supervisor.send({ type: 'command.park' });
    supervisor.send({ type: 'command.arm', lease });
    await events.next('command.armed');
    supervisor.send({ type: 'command.start', grant: GRANT });
    return (await events.next('command.started')).pid;
  };
  return { supervisor, events, logs, marker, run };
}

/** Sends all commands at once. */
export function attempt(settings: Settings): Supervised {
  const supervised = supervise(settings);
  supervised.supervisor.send({ type: 'command.park' });
  supervised.supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
  supervised.supervisor.send({ type: 'command.start', grant: GRANT });
  return supervised;
}

/** The pid of its guard, once one runs. */
export async function runningGuard(supervisor: CommandSupervisor): Promise<number> {
  await until(() => supervisor.guardPid !== null, 'a guard');
  const pid = supervisor.guardPid;
  // Never 0: signals to 0 go to the test itself.
  if (pid === null) throw new Error('the guard is gone');
  return pid;
}

/** A file's content, once it ends in a newline. */
export async function lineIn(file: string): Promise<string> {
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await until(() => read().endsWith('\n'), file);
  return read().trimEnd();
}

export async function pidIn(file: string): Promise<Identity> {
  const record = readProcess(Number(await lineIn(file)));
  if (record === null) throw new Error(`the process of ${file} is gone`);
  return record;
}

/** Living processes that were started with this variable. */
export function carriers(marker: string): readonly ProcessRecord[] {
  return [...readProcessTable().values()].filter(
    ({ pid, state }) => !'ZX'.includes(state) && certain(hasVariable(pid, marker)),
  );
}

let bundle: Promise<string> | undefined;
let bundleDirectory: string | undefined;

afterAll(() => {
  if (bundleDirectory !== undefined) rmSync(bundleDirectory, { recursive: true, force: true });
});

/** The holder as one file that this Node can run. */
function holderScript(): Promise<string> {
  bundle ??= (async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lockex-holder-'));
    bundleDirectory = directory;
    const outfile = join(directory, 'holder.mjs');
    const source = new URL('../../fixtures/commands/holder.ts', import.meta.url);
    const entryPoints = [fileURLToPath(source)];
    await build({
      entryPoints,
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      plugins: [embeddedScripts],
    });
    // Some holders run as another user.
    chmodSync(directory, 0o755);
    return outfile;
  })();
  return bundle;
}

export interface Holder {
  readonly child: ChildProcess;
  readonly identity: Identity;
  readonly events: Events;
  readonly marker: string;
  send(request: HolderRequest): void;
  run(lease?: LeaseInfo): Promise<Identity>;
}

type Stdio = 'pipe' | 'ignore' | 'inherit';

interface HolderRest {
  readonly reaper?: HolderSettings['reaper'];
  readonly stdio?: Stdio;
  /** Program and arguments that execute the holder, as another user or with other limits. */
  readonly through?: readonly string[];
}

export async function hold(
  settings: Omit<Partial<HolderSettings['options']>, 'command'> &
    Pick<SupervisorOptions, 'command'>,
  rest: HolderRest = {},
): Promise<Holder> {
  const guid = settings.guid ?? newGuid();
  const options = { lockId: 'test', guard: true, killAfterMs: 2000, ...settings, guid };
  const whole: HolderSettings = {
    options,
    ...(rest.reaper === undefined ? {} : { reaper: rest.reaper }),
  };
  const { stdio = 'ignore', through = [] } = rest;
  const own = [process.execPath, await holderScript(), JSON.stringify(whole)];
  const [program = '', ...args] = [...through, ...own];
  const child = spawn(program, args, {
    stdio: [stdio, stdio, 'inherit', 'ipc'],
    ...(through.length > 0 && { cwd: '/' }),
    // For the command, not for the guard.
    env: { ...process.env, LOCKEX_OUTER: 'secret' },
  });
  const events = new Events();
  child.on('message', (message) => events.push(message as CommandEvent));
  const identity = readProcess(child.pid ?? 0);
  if (identity === null) throw new Error('the holder is gone');
  const marker = `LOCKEX_HELD_${guid}`;
  onCleanUp(async () => {
    child.kill('SIGKILL');
    await until(() => carriers(marker).length === 0);
  });
  await events.next('holder.ready' as CommandEvent['type']);
  const send = (request: HolderRequest) => child.send(request);
  const run = async (lease = leaseOf(60_000)) => {
    send({ type: 'command.park' });
    send({ type: 'command.arm', lease });
    await events.next('command.armed');
    send({ type: 'command.start', grant: GRANT });
    const { pid } = await events.next('command.started');
    // It may have ended since: no process has this identity.
    return readProcess(pid) ?? { pid, start: -1 };
  };
  return { child, identity, events, marker, send, run };
}
