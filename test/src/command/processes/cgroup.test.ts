import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { warmUpEntry } from '../../../../src/command/processes/cgroup.ts';
import { isStill } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, hold, pidIn, supervise, temporaryDirectory } from '../harness.ts';

afterEach(cleanUp);

const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)('a cgroup', () => {
  it('is removed with the command, also by the guard', async () => {
    const before = siblingCgroups();
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: 'sleep 200' },
    });
    const pid = await run();
    const directory = cgroupOf(pid);
    expect(existsSync(directory)).toBe(true);
    supervisor.send({ type: 'command.stop', graceMs: 100, deadline: null });
    await events.next('command.stopped');
    await until(() => !existsSync(directory), 'the end of the directory');
    const holder = await hold({ command: { kind: 'shell', line: 'sleep 200' } });
    const command = await holder.run();
    const other = cgroupOf(command.pid);
    expect(before).not.toContain(other);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !existsSync(other), 'the end of the directory');
  });

  it('contains the cgroups that the command creates', async () => {
    const file = join(temporaryDirectory(), 'pid');
    const own = "$(sed 's/^0:://p;d' /proc/self/cgroup)";
    const line = `d=${rootOfCgroups()}${own}/inner; mkdir $d && sh -c "echo \\$\\$ >$d/cgroup.procs; echo \\$\\$ >${file}; exec sleep 200" & sleep 200`;
    const { supervisor, events, run } = supervise({ command: { kind: 'shell', line } });
    const pid = await run();
    const inner = await pidIn(file);
    const directory = cgroupOf(pid);
    expect(readdirSync(directory)).toContain('inner');
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await events.next('command.stopped');
    expect(isStill(inner)).toBe(false);
    await until(() => !existsSync(directory), 'the end of the directory');
  });

  it('is entered by the gate only: lockex stays where it is', async () => {
    const own = cgroupOf(process.pid);
    const elsewhere = mkdtempSync(join(own, 'elsewhere-'));
    const entering = (directory: string) =>
      new Promise<Error | null>((resolve) => warmUpEntry(directory, resolve));
    try {
      // As if lockex had been moved meanwhile.
      expect(await entering(elsewhere)).toMatchObject({ code: expect.stringMatching(/NOTSUP/) });
      expect(cgroupOf(process.pid)).toBe(own);
      expect(await entering(own)).toBeNull();
      expect(cgroupOf(process.pid)).toBe(own);
    } finally {
      rmdirSync(elsewhere);
    }
  });

  it('that cannot be entered is not used', async () => {
    // It is removed before the gate enters it: here by the gate's own shell.
    const shell = join(temporaryDirectory(), 'sh');
    const parent = cgroupOf(process.pid);
    const script = `#!/bin/sh\nrmdir ${parent}/lockex-${process.pid}-* 2>&-\nexec /bin/sh "$@"\n`;
    writeFileSync(shell, script, { mode: 0o755 });
    const { supervisor, events, run } = supervise({
      command: { kind: 'shell', line: 'sleep 200' },
      shell: [shell],
    });
    await run();
    expect(events.all.find(({ type }) => type === 'command.armed')).toMatchObject({
      scope: expect.stringContaining('process group'),
    });
    supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
    await events.next('command.stopped');
  });
});

function rootOfCgroups(): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const mount = /^\d+ \d+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts);
  return mount?.[1] ?? '';
}

function cgroupOf(pid: number): string {
  const own = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  return join(rootOfCgroups(), own);
}

function siblingCgroups(): readonly string[] {
  const parent = dirname(cgroupOf(process.pid));
  return readdirSync(parent).map((name) => join(parent, name));
}
