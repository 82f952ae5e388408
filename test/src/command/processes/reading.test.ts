/**
 * An error is not an empty result. Descriptors are really used up, in processes of their own: by a
 * limit (prlimit) and open files.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { isPopulated, membersOf } from '../../../../src/command/processes/cgroup.ts';
import { countForks } from '../../../../src/command/processes/fork-watch.ts';
import { readProcess } from '../../../../src/command/processes/process-table.ts';
import { readNames, readText } from '../../../../src/command/processes/reading.ts';
import { isStill } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, hold, pidIn, temporaryDirectory } from '../harness.ts';

afterEach(cleanUp);

describe('a reading', () => {
  it('of a process that does not exist is known: it is gone', () => {
    expect(readText('/nonexistent/file')).toEqual({ known: true, value: null });
    expect(readNames('/nonexistent')).toEqual({ known: true, value: null });
    // Above the largest pid of Linux (proc(5), pid_max).
    expect(readProcess(2 ** 22 + 1)).toEqual({ known: true, value: null });
  });

  it('that failed in any other way is unknown', () => {
    const directory = temporaryDirectory();
    expect(readText(directory)).toEqual({ known: false, reason: `EISDIR at ${directory}` });
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(readNames(file)).toEqual({ known: false, reason: `ENOTDIR at ${file}` });
  });

  it('of a directory that is no cgroup is unknown, of a removed cgroup empty', () => {
    const directory = temporaryDirectory();
    expect(isPopulated(join(directory, 'gone'))).toEqual({ known: true, value: false });
    writeFileSync(join(directory, 'cgroup.events'), 'populated maybe\n');
    expect(isPopulated(directory).known).toBe(false);
    mkdirSync(join(directory, 'cgroup.procs'));
    expect(membersOf(directory).gap).toContain('EISDIR');
  });

  it('counts forks', () => {
    const before = countForks();
    execFileSync('true');
    const after = countForks();
    if (!before.known || !after.known) throw new Error('unknown');
    expect(after.value).toBeGreaterThan(before.value);
  });
});

const WAYS = (['auto', 'group'] as const).flatMap((scope) => [
  { scope, what: 'an init', init: {} },
  { scope, what: 'no init', init: { initRuntimes: [] } },
]);

describe.each(WAYS)('with all descriptors in use, scope $scope and $what', ({ scope, init }) => {
  const LIMITED = ['/usr/bin/env', 'prlimit', '--nofile=200'];

  it('leftovers are found, and stopped before the command is reported as stopped', async () => {
    const file = join(temporaryDirectory(), 'pid');
    const line = `setsid sh -c 'trap "" TERM; echo $$ >${file}; sleep 200; sleep 200' & read line`;
    const holder = await hold(
      {
        command: { kind: 'shell', line: `${line} <${file}.go` },
        scope,
        killAfterMs: 1000,
        ...init,
      },
      { through: LIMITED },
    );
    execFileSync('mkfifo', [`${file}.go`]);
    await holder.run();
    const left = await pidIn(file);
    holder.send({ type: 'holder.exhaust' });
    await holder.events.next('holder.exhausted' as never);
    writeFileSync(`${file}.go`, 'go\n');
    const { how } = await holder.events.next('command.stopped');
    expect(isStill(left)).toBe(false);
    expect(how.means).toBe('SIGKILL');
    expect(holder.events.types).not.toContain('command.unkillable');
  });

  it('the command is not reported as stopped while /proc cannot be read', async () => {
    const file = join(temporaryDirectory(), 'pid');
    const line = `setsid sh -c 'trap "" TERM; echo $$ >${file}; sleep 200; sleep 200' & read line`;
    execFileSync('mkfifo', [`${file}.go`]);
    const holder = await hold(
      { command: { kind: 'shell', line: `${line} <${file}.go` }, scope, killAfterMs: 100, ...init },
      { through: LIMITED },
    );
    await holder.run();
    const left = await pidIn(file);
    // Below the descriptors in use: the reserved ones cannot be opened again either.
    const limit = (soft: number) =>
      execFileSync('prlimit', [`--pid=${holder.identity.pid}`, `--nofile=${soft}:200`]);
    limit(3);
    writeFileSync(`${file}.go`, 'go\n');
    const { unknown } = await holder.events.next('command.unkillable');
    expect(unknown).toMatch(/^EMFILE at /);
    await pause(1000);
    expect(holder.events.types).not.toContain('command.stopped');
    limit(200);
    await holder.events.next('command.stopped');
    await until(() => !isStill(left));
  });
});
