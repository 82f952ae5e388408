/**
 * Reads of /proc and of a cgroup that fail because of a lack of memory or a device: no living
 * process is taken for dead because of it. The errors are injected into node:fs; the processes are
 * real.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Identity } from '../../../../src/command/options.ts';
import { countForks } from '../../../../src/command/processes/fork-watch.ts';
import { LinuxScope } from '../../../../src/command/processes/linux-scope.ts';
import { startOf } from '../../../../src/command/processes/process-table.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { isStill } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, pidIn, temporaryDirectory } from '../harness.ts';

const fault = vi.hoisted(() => ({ code: '', isNext: (_path: string) => false, failed: '' }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const failing =
    (read: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      const path = String(args[0]);
      if (!fault.isNext(path)) return read(...args);
      fault.failed = path;
      throw Object.assign(new Error(fault.code), { code: fault.code });
    };
  return {
    ...fs,
    readFileSync: failing(fs.readFileSync as (...args: unknown[]) => unknown),
    readdirSync: failing(fs.readdirSync as (...args: unknown[]) => unknown),
  };
});

const MARKER = 'LOCKEX_HELD_failed_readings';
/**
 * EMFILE and ENFILE are tried again at once, with a descriptor from the reserve: reading.test.ts.
 */
const CODES = ['ENOMEM', 'EIO', 'EINTR', 'ENOBUFS'];

/** The command's first process has ended, and has left one behind in a session of its own. */
async function leftBehind(): Promise<{ first: Identity; left: Identity }> {
  const file = join(temporaryDirectory(), 'pid');
  const line = `setsid sh -c 'echo $$ >${file}; exec sleep 300' & read line`;
  const shell = spawn('sh', ['-c', line], {
    detached: true,
    env: { ...process.env, [MARKER]: '1' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const pid = shell.pid ?? 0;
  const first = { pid, start: startOf(pid) };
  const left = await pidIn(file);
  shell.stdin.end();
  await new Promise((resolve) => shell.once('exit', resolve));
  return { first, left };
}

let processes: { first: Identity; left: Identity };
let directory: string;

beforeEach(async () => {
  noFault();
  processes = await leftBehind();
  // As the kernel shows a cgroup that the process has left (systemd-logind moves it).
  directory = temporaryDirectory();
  writeFileSync(join(directory, 'cgroup.events'), 'populated 0\nfrozen 0\n');
  writeFileSync(join(directory, 'cgroup.procs'), '');
});
afterEach(async () => {
  noFault();
  if (isStill(processes.left)) process.kill(processes.left.pid, 'SIGKILL');
  await cleanUp();
});

function scopeWith(cgroup: string | null): LinuxScope {
  return new LinuxScope({
    first: { identity: processes.first, hasEnded: () => true },
    init: null,
    directory: cgroup,
    marks: { variable: MARKER, limit: null, slack: null },
    clock: systemClock,
    log: () => {},
  });
}

function noFault(): void {
  fault.isNext = () => false;
  fault.failed = '';
}

/** The `count`-th of the following reads that can matter fails, once. */
function failRead(count: number, code: string): void {
  const { left } = processes;
  const paths = [directory, `/proc/${left.pid}/`, `/proc/${process.pid}/`, '/proc/stat'];
  const isRelevant = (path: string) => path === '/proc' || paths.some((it) => path.startsWith(it));
  let reads = 0;
  const isNext = (path: string) => isRelevant(path) && ++reads === count;
  Object.assign(fault, { code, failed: '', isNext });
}

/** Every read of this file fails. */
function failAt(file: string, code: string): void {
  Object.assign(fault, { code, failed: '', isNext: (path: string) => path === file });
}

describe.each([
  ['a cgroup that it has left', () => directory],
  ['no cgroup', () => null],
])('with %s', (_, cgroup) => {
  it('a failure of any single read does not make a living process dead', () => {
    let failures = 0;
    for (let read = 1; ; read += 1) {
      failRead(read, 'EIO');
      const { state } = scopeWith(cgroup()).presence();
      if (fault.failed === '') break;
      failures += 1;
      expect(state, `EIO at ${fault.failed}`).not.toBe('empty');
    }
    // The list of processes, two of them, and the mark of one.
    expect(failures).toBeGreaterThanOrEqual(4);
  });

  it.each(CODES)(
    '%s at a file that decides leaves it unknown, until it can be read',
    async (code) => {
      const { left } = processes;
      const files = ['/proc', `/proc/${left.pid}/stat`, `/proc/${left.pid}/environ`];
      for (const file of files) {
        failAt(file, code);
        const presence = scopeWith(cgroup()).presence();
        expect(presence).toEqual({ state: 'unknown', reason: `${code} at ${file}` });
        noFault();
        expect(scopeWith(cgroup()).presence()).toEqual({ state: 'populated' });
      }
    },
  );
});

it.each(CODES)('%s at a file of the cgroup is no empty cgroup', async (code) => {
  process.kill(processes.left.pid, 'SIGKILL');
  await until(() => !isStill(processes.left), 'its end');
  const scope = scopeWith(directory);
  for (const name of ['cgroup.events', 'cgroup.procs']) {
    const file = join(directory, name);
    failAt(file, code);
    expect(scope.presence()).toEqual({ state: 'unknown', reason: `${code} at ${file}` });
  }
  noFault();
  expect(scope.presence()).toEqual({ state: 'empty' });
});

it.each(CODES)('%s at the count of forks does not prove that none was made', (code) => {
  failAt('/proc/stat', code);
  expect(countForks()).toEqual({ known: false, reason: `${code} at /proc/stat` });
});
