/** A command that cannot be run, when the gate is opened or already before. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { attempt, cleanUp, GRANT, leaseOf, supervise, temporaryDirectory } from '../harness.ts';

afterEach(cleanUp);

describe('a command that cannot be run', () => {
  it.each([
    ['a name that is nowhere', 'lockex-no-such-program', 127],
    ['a path that is nowhere', '/nowhere/program', 127],
    ['an empty name', '', 127],
    ['a directory', '/tmp', 126],
    ['a file without the right', '/etc/passwd', 126],
  ])('%s: a doubt while parked, a failure at the start', async (_what, name, exitCode) => {
    const { supervisor, events } = attempt({ command: { kind: 'program', argv: [name] } });
    const { message } = await events.next('command.unresolved');
    expect(await events.next('command.failed')).toEqual({
      type: 'command.failed',
      exitCode,
      message,
    });
    supervisor.send({ type: 'command.stop', graceMs: 1000, deadline: null });
    expect(await events.next('command.stopped')).toMatchObject({
      exit: null,
      how: { means: 'none' },
    });
    expect(events.types).not.toContain('command.started');
  });

  it('runs if it appeared while lockex waited', async () => {
    const program = join(temporaryDirectory(), 'late');
    const { supervisor, events } = supervise({ command: { kind: 'program', argv: [program] } });
    supervisor.send({ type: 'command.park' });
    await events.next('command.unresolved');
    writeFileSync(program, 'exit 9\n', { mode: 0o755 });
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    supervisor.send({ type: 'command.start', grant: GRANT });
    // A text file without #! is run by /bin/sh, as by execvp.
    expect((await events.next('command.stopped')).exit?.code).toBe(9);
  });

  it('fails if it disappeared while lockex waited', async () => {
    const program = join(temporaryDirectory(), 'gone');
    writeFileSync(program, '', { mode: 0o755 });
    const { supervisor, events } = supervise({ command: { kind: 'program', argv: [program] } });
    supervisor.send({ type: 'command.park' });
    rmSync(program);
    supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
    supervisor.send({ type: 'command.start', grant: GRANT });
    expect(await events.next('command.failed')).toMatchObject({ exitCode: 127 });
    supervisor.send({ type: 'command.stop', graceMs: 1000, deadline: null });
    expect(await events.next('command.stopped')).toMatchObject({ exit: null });
    expect(events.types).not.toContain('command.started');
  });

  it('with too long an argument: 126', async () => {
    const argv = ['true', 'x'.repeat(200_000)] as const;
    const { events } = attempt({ command: { kind: 'program', argv } });
    expect((await events.next('command.failed')).exitCode).toBe(126);
  });

  it('in a removed directory: 125, after some tries', async () => {
    const { events } = attempt({ command: { kind: 'shell', line: 'true' }, cwd: '/nowhere' });
    expect((await events.next('command.failed')).exitCode).toBe(125);
  });
});
