/** The examples in docs/examples work as they are. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { run, startProgram } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, PROGRAM, temporaryDirectory, userEnvironment } from './program.ts';

const textOf = (name: string) =>
  readFileSync(new URL(`../../docs/examples/${name}`, import.meta.url), 'utf8');

let hosts: string;
let directory: string;
/** With lockex in PATH, and a job that records its runs. */
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
  directory = temporaryDirectory();
  mkdirSync(`${directory}/bin`);
  symlinkSync(PROGRAM, `${directory}/bin/lockex`);
  writeFileSync(`${directory}/bin/make-report`, '#!/bin/sh\necho "report $*"\n');
  chmodSync(`${directory}/bin/make-report`, 0o755);
  env = userEnvironment({ ZKHOSTS: hosts, PATH: `${directory}/bin:${process.env['PATH']}` });
});

describe('a unit of systemd', () => {
  it.each(['redis-standby.service', 'nightly-report.service', 'nightly-report.timer'])(
    '%s is accepted by systemd',
    async (name) => {
      // systemd-analyze checks that programs exist.
      for (const unit of new Set([name, name.replace('.timer', '.service')])) {
        const text = textOf(unit)
          .replaceAll('/usr/bin/lockex', PROGRAM)
          .replace('make-report', '/bin/true');
        writeFileSync(`${directory}/${unit}`, text);
      }
      const { status, stderr } = await run('systemd-analyze', ['verify', `${directory}/${name}`]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('that a timer starts on every host runs its job once', async () => {
    const [, line = ''] =
      /^ExecStart=\/usr\/bin\/(.*)$/m.exec(textOf('nightly-report.service')) ?? [];
    const started = [1, 2, 3].map(() => run('sh', ['-c', line], { env }));
    const ended = await Promise.all(started);
    expect(ended.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(ended.map(({ stdout }) => stdout).join('')).toBe('report --all\n');
  });
});

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
/** Requires root, and is not possible in all containers. */
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

describe.runIf(canUnshare)('a container', () => {
  it.each([
    ['Dockerfile', ['ENTRYPOINT ', 'CMD ']],
    ['kubernetes.yaml', ['command: ', 'args: ']],
  ])('of %s starts its command as process 1, and stops on request', async (name, marks) => {
    const state = `${directory}/state`;
    const loopbackOnly = ['--port', '0', '--unixsocket', `${directory}/redis`];
    const [start = [], more = []] = marks.map((mark) => {
      const line = textOf(name)
        .split('\n')
        .find((text) => text.trim().startsWith(mark));
      return JSON.parse(line?.trim().slice(mark.length) ?? '[]') as string[];
    });
    const [program = '', ...args] = [...start, ...more, ...loopbackOnly].map((arg) =>
      arg.replace('/run/lockex/state', state),
    );
    expect(program).toBe('lockex');
    const container = startProgram('unshare', [...UNSHARE, program, ...args], { env });
    await container.line(/ready to accept connections at/);
    const [first] = (await run('pgrep', ['-P', String(container.pid)])).stdout.split('\n');
    if (name === 'kubernetes.yaml') {
      await expect.poll(() => contentOf(state), { timeout: 20_000 }).toBe('running\n');
    }
    process.kill(Number(first), 'SIGTERM');
    const { status, stderr } = await container.ended;
    expect({ status, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      status: 0,
      last: expect.stringContaining('done: the command was stopped on SIGTERM'),
    });
  });
});

it('nohup protects lockex and its command from a hangup', async () => {
  const line = 'nohup lockex -i x -- "echo up; read word; echo \\$word" 2>/dev/null';
  // As typed into bash, which sets `_`; dash does not.
  const typed = { ...env, _: '/usr/bin/nohup' };
  const program = startProgram('sh', ['-c', `exec ${line}`], { env: typed });
  await program.line(/^up$/);
  program.signal('SIGHUP');
  program.stdin.end('still\n');
  expect(await program.ended).toMatchObject({ status: 0, stdout: 'up\nstill\n' });
});
