/** Signals to a process that runs only the watcher. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isHangupIgnored, maskHolds } from '../../../src/actors/signals.ts';
import { cleanUp, onCleanUp, temporaryDirectory } from '../command/harness.ts';

let script: string;

beforeAll(async () => {
  script = join(temporaryDirectory(), 'watcher.mjs');
  const source = new URL('../../fixtures/commands/watcher.ts', import.meta.url);
  const entryPoints = [fileURLToPath(source)];
  await build({ entryPoints, outfile: script, bundle: true, platform: 'node', format: 'esm' });
  return cleanUp;
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((end) => end()));
});

const running: (() => void)[] = [];

/** The watcher's lines, as they come. */
async function watch(...before: readonly string[]) {
  const [program = '', ...args] = [...before, process.execPath, script];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  running.push(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  expect(await next()).toMatch(/^ready/);
  return { child, next };
}

describe('the watcher', () => {
  it.each([
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
    ['SIGQUIT', 3],
    ['SIGUSR1', 10],
    ['SIGUSR2', 12],
    ['SIGWINCH', 28],
    ['SIGCONT', 18],
    ['SIGTSTP', 20],
  ] as const)('reports %s, and keeps running', async (signal, number) => {
    const { child, next } = await watch();
    child.kill(signal);
    expect(JSON.parse(await next())).toEqual({ type: 'signal.received', signal, number });
    expect(child.exitCode).toBeNull();
  });

  it('does not report SIGHUP if SIGHUP was ignored at the start', async () => {
    const { child, next } = await watch('env', 'IGNORE_HANGUP=1');
    child.kill('SIGHUP');
    child.kill('SIGUSR2');
    expect(JSON.parse(await next())).toMatchObject({ signal: 'SIGUSR2' });
  });

  it('restores the default signal handling when it is stopped', async () => {
    const { child, next } = await watch('env', 'STOP_AFTER=SIGUSR2');
    child.kill('SIGUSR2');
    await next();
    expect(await next()).toBe('stopped');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });
});

describe('an ignored SIGHUP', () => {
  it('is read from the mask of /proc/PID/status', () => {
    expect(maskHolds('SigBlk:\t0\nSigIgn:\t0000000001001001\n', 1)).toBe(true);
    expect(maskHolds('SigBlk:\t1\nSigIgn:\t0000000001001000\n', 1)).toBe(false);
    expect(maskHolds('SigIgn:\t0000000001001000\n', 13)).toBe(true);
    expect(maskHolds('', 1)).toBe(false);
  });

  it('is detected by the nohup that the shell has run, and by a parent that ignores it', async () => {
    expect(isHangupIgnored({ _: '/usr/bin/nohup' })).toBe(true);
    expect(isHangupIgnored({ _: '/usr/bin/env' })).toBe(false);
    const below = `trap '' HUP; '${process.execPath}' '${script}'; :`;
    const child = spawn('sh', ['-c', below], { stdio: ['ignore', 'pipe', 'ignore'] });
    onCleanUp(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const [status, pid, ignored] = String((await lines.next()).value).split(' ');
    running.push(() => process.kill(Number(pid), 'SIGKILL'));
    expect([status, ignored]).toEqual(['ready', 'true']);
  });
});
