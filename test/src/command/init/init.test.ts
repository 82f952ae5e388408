/**
 * The init alone, with real processes: its reports, the processes that it kills, and what the first
 * process inherits. With each interpreter.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { INIT_KILL_SIGNAL } from '../../../../src/command/init/init-runtime.ts';

import { isStill, readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp } from '../harness.ts';
import { childrenOf, DIRECT, inChunks, initOf, PATH, RUNTIMES, sh, start } from './started-init.ts';

afterEach(cleanUp);

/** Signals whose default action ends a process (signal(7)); 32 and 33 belong to the C library. */
const DEADLY = [...Array(64).keys()]
  .map((index) => index + 1)
  .filter((number) => ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].includes(number));

it('finds an interpreter for it here', () => {
  expect(RUNTIMES.map(({ name }) => name)).toEqual(['perl', 'python3']);
});

describe.each(RUNTIMES)('the init in $name', (runtime) => {
  it('reports every exit status', async () => {
    await inChunks([...Array(256).keys()], 8, async (code) => {
      expect(await start(runtime, sh(`exit ${code}`)).exit()).toEqual({ code, signal: null });
    });
  });

  it('reports every signal that ends the first process, real-time signals too', async () => {
    await inChunks(DEADLY, 8, async (number) => {
      const { exit } = start(runtime, sh(`ulimit -c 0; kill -${number} $$; sleep 60`));
      expect(await exit()).toEqual({ code: null, signal: { name: expect.any(String), number } });
    });
    const { exit } = start(runtime, sh('kill -TERM $$'));
    expect((await exit()).signal?.name).toBe('SIGTERM');
  });

  it('reports the first process and its start time before its end', async () => {
    const started = start(runtime, sh('sleep 600'));
    await started.until('identified');
    const { identity, init } = started.process;
    await expect
      .poll(() => readProcess(identity?.pid ?? 0))
      .toMatchObject({ ...identity, parent: init?.pid, session: identity?.pid, name: 'sh' });
    expect(started.process.descendants).toBe('some');
    const quick = start(runtime, sh('exit 0'));
    await quick.exit();
    expect(quick.heard.indexOf('identified')).toBeLessThan(quick.heard.indexOf('exit'));
    expect(quick.process.identity?.start).toBeGreaterThan(0);
  });

  it('does not change the signal dispositions of the first process', async () => {
    const script = sh('grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status >&3');
    const texts = [start(runtime, script), start(DIRECT, script)].map(async ({ exit, output }) => {
      expect((await exit()).code).toBe(0);
      await until(() => output().includes('SigCgt'));
      return output();
    });
    const [its, direct] = await Promise.all(texts);
    expect(its).toBe(direct);
  });

  it('passes on environment and arguments byte by byte, and uses none of it itself', async () => {
    const env = {
      PATH,
      PERL5OPT: '-Mnone',
      PERL5LIB: '/none',
      PYTHONHOME: '/none',
      PYTHONPATH: '/none',
      LC_ALL: 'none',
      script: 'mine',
      'my-var': 'two\nlines',
      é: 'ü',
      EMPTY: '',
    };
    const args = ['', ' ', 'a\nb', 'é', '1', '-'];
    const script = sh('cat /proc/$$/environ /proc/$$/cmdline >&3; sleep 600', ...args);
    const started = start(runtime, script, env);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const expected = [...variables, ...script].map((text) => `${text}\0`).join('');
    await until(() => started.output().length >= expected.length, 'all of it');
    expect(started.output()).toBe(expected);
    const own = readFileSync(`/proc/${initOf(started)}/environ`, 'utf8');
    expect(own).not.toMatch(/Mnone|=.none|=mine|my-var/);
  });

  it('keeps only its own descriptors, and runs in / and in a session of its own', async () => {
    const started = start(runtime, sh('ls -l /proc/$$/fd >&3; echo done >&3; exec sleep 600'));
    await until(() => started.output().includes('done'));
    const pid = initOf(started);
    const linkOf = (name: string) => {
      try {
        return readlinkSync(`/proc/${pid}/${name}`).replace(/\[.*|\/?\d+/g, '');
      } catch {
        return 'closed meanwhile';
      }
    };
    const links = () => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`fd/${fd}`));
    const its = ['/dev/null', '/dev/null', '/dev/null', '/proc/task/children', 'anon_inode:'];
    await expect.poll(() => links().sort()).toEqual([...its, 'socket:'].sort());
    await expect.poll(() => linkOf('cwd')).toBe('/');
    expect(readProcess(pid)).toMatchObject({ session: pid, group: pid });
    // The first process has the socket of the gate, but neither the channel nor the signalfd.
    const lines = started.output().split('\n');
    expect(lines.filter((line) => / [4-9] ->/.test(line))).toEqual([]);
    expect(lines.filter((line) => / 3 -> socket/.test(line))).toHaveLength(1);
    const { name } = readProcess(pid) ?? {};
    expect(`${name} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1')}`).not.toContain('lockex');
  });

  it("closes its copies of the gate's socket, so that the end of file arrives", async () => {
    const started = start(runtime, sh('exec 3>&-; sleep 600'));
    await started.until('closed');
    expect(started.heard).not.toContain('exit');
  });

  it('adopts orphans, reaps them at once, and reports when none is left', async () => {
    const orphans = `i=0; while [ $i -lt 100 ]; do (env -i /usr/bin/setsid /bin/sleep 0.1 &); i=$((i+1)); done`;
    const started = start(runtime, sh(`${orphans}; (setsid sleep 600 &); echo up >&3; exit 3`));
    await started.exit();
    await until(() => childrenOf(initOf(started)).length === 1, 'the other orphans to be reaped');
    const [orphan] = childrenOf(initOf(started));
    expect(orphan).toMatchObject({ name: 'sleep', state: 'S' });
    expect(started.heard).not.toContain('empty');
    process.kill(orphan?.pid ?? 0, 'SIGTERM');
    await started.until('empty');
    expect(started.process.descendants).toBe('none');
  });

  it('ignores the signals of terminals, supervisors and init systems', async () => {
    const started = start(runtime, sh('echo up >&3; read line <&3; exit 5'));
    await until(() => started.output() === 'up\n');
    const mine = [INIT_KILL_SIGNAL, 9];
    for (const number of [...DEADLY, 20, 21, 22, 28].filter((each) => !mine.includes(each))) {
      process.kill(initOf(started), number);
    }
    started.process.send('go\n');
    expect((await started.exit()).code).toBe(5);
    await started.until('empty');
  });

  it('does not wake while nothing happens', async () => {
    const started = start(runtime, sh('echo up >&3; exec sleep 600'));
    await until(() => started.output() === 'up\n');
    const switches = () => {
      const status = readFileSync(`/proc/${initOf(started)}/status`, 'latin1');
      return /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1];
    };
    let before = switches();
    await until(async () => {
      const last = before;
      await pause(100);
      before = switches();
      return last === before;
    }, 'its start to be over');
    await pause(1000);
    expect(switches()).toBe(before);
  });

  it('survives a parent that ignores SIGCHLD', async () => {
    const argv = sh('trap \'\' CHLD; exec "$@"', 'sh', ...runtime.argv);
    const { exit } = start({ ...runtime, argv }, sh('exit 7'));
    expect(await exit()).toEqual({ code: 7, signal: null });
  });

  it('that is killed is reported as lost, and the first process is killed', async () => {
    const started = start(runtime, sh('trap "" TERM; echo up >&3; sleep 600; sleep 600'));
    await until(() => started.output() === 'up\n');
    const { identity } = started.process;
    process.kill(initOf(started), 'SIGKILL');
    expect(await started.exit()).toMatchObject({ code: null, signal: { name: 'SIGKILL' } });
    expect(started.heard).toContain('lost');
    expect(identity !== null && isStill(identity)).toBe(false);
    expect(started.process.descendants).toBe('unknown');
  });

  it.each([
    ['/nowhere/sh', 'ENOENT'],
    ['/etc/passwd', 'EACCES'],
  ])('reports that the kernel does not execute %s', async (path, code) => {
    const started = start(runtime, [path]);
    await started.until(`error ${code}`);
    expect(started.heard).not.toContain('exit');
  });

  it('is not used if the start time of its gate is unknown, and kills the gate', async () => {
    const script = (runtime.env['script'] ?? '').replace(/\/proc\/self'/, "/nowhere'");
    const started = start({ ...runtime, env: { ...runtime.env, script } }, sh('exec sleep 600'));
    await started.until('error the start time of a new process cannot be read');
    expect(started.process.identity).toBe(null);
    await until(() => started.process.init !== null && !isStill(started.process.init), 'the end');
    expect(started.heard).not.toContain('identified');
  });

  it('reports that the environment is too long', async () => {
    await start(runtime, sh('true'), { PATH, LONG: 'x'.repeat(200_000) }).until('error E2BIG');
  });
});
