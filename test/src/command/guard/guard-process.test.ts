/** One guard by itself, told what a lockex would tell it: deadlines, and whom it must not touch. */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Guard } from '../../../../src/command/guard/guard.ts';
import {
  GUARD_BOOT,
  GUARD_ENDING,
  GUARD_SCRIPT,
} from '../../../../src/command/guard/guard-script.ts';
import type { Identity } from '../../../../src/command/options.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { isStill, readProcess, readProcessTable } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import {
  cleanUp,
  GRANT,
  leaseOf,
  onCleanUp,
  SHELLS,
  standingGuard,
  supervise,
  temporaryFolder,
} from '../harness.ts';

afterEach(cleanUp);

/** A process in a session of its own, as a gate is. */
function sleeper(options: SpawnOptions = {}): Identity & { readonly child: ChildProcess } {
  const child = spawn('sleep', ['200'], { detached: true, stdio: 'ignore', ...options });
  onCleanUp(() => void child.kill('SIGKILL'));
  const record = readProcess(child.pid ?? 0);
  if (record === null) throw new Error('the sleeper is gone');
  return { pid: record.pid, start: record.start, child };
}

function guardIn(shell: readonly string[]) {
  const told: string[] = [];
  const guard = new Guard(shell, [], {
    onBeat: (line) => told.push(line),
    onFiring: () => told.push('firing'),
    onGone: () => told.push('gone'),
    onUnfit: (code) => told.push(`unfit ${code}`),
  });
  onCleanUp(() => guard.kill());
  return { guard, told, pid: guard.pid ?? 0 };
}

function beatIn(ms: number): string {
  return `beat ${Math.floor((systemClock.now() + ms) / 10)}`;
}

function signalSession(session: number, signal: NodeJS.Signals): void {
  for (const record of readProcessTable().values()) {
    if (record.session === session && record.state !== 'Z') process.kill(record.pid, signal);
  }
}

describe.each(SHELLS)('a guard in %s', (_name, shell) => {
  it('echoes a deadline, and ends the command at it, not before', async () => {
    const { guard, told } = guardIn(shell);
    const victim = sleeper();
    const begun = systemClock.now();
    const beat = beatIn(1700);
    guard.send(`gate ${victim.pid} ${victim.start}`, beat);
    await until(() => told.includes(beat), 'the echo');
    await until(() => !isStill(victim), 'the end of the command');
    expect(systemClock.now() - begun).toBeGreaterThanOrEqual(1690);
    await until(() => told.includes('firing'), 'the word of it');
  });

  it('takes no deadline that it reads after the one before has passed', async () => {
    const { guard, told, pid } = guardIn(shell);
    const victim = sleeper();
    const beat = beatIn(1200);
    guard.send(`gate ${victim.pid} ${victim.start}`, beat);
    await until(() => told.includes(beat), 'the echo');
    signalSession(pid, 'SIGSTOP');
    const later = beatIn(600_000);
    guard.send(later);
    const past = systemClock.now() + 1500;
    await until(() => systemClock.now() > past);
    signalSession(pid, 'SIGCONT');
    await until(() => !isStill(victim), 'the end of the command');
    expect(told).not.toContain(later);
  });

  it('lets a deadline pass while the gate is shut, and acts on it once that is opened', async () => {
    const { guard, told } = guardIn(shell);
    const victim = sleeper();
    const beat = beatIn(300);
    guard.send('shut', `gate ${victim.pid} ${victim.start}`, beat);
    await until(() => told.includes(beat), 'the echo');
    // It looks at its clock within a second: by then it would have fired.
    const past = systemClock.now() + 1800;
    await until(() => systemClock.now() > past);
    expect(isStill(victim)).toBe(true);
    guard.send('open', beat);
    await until(() => !isStill(victim), 'the end of the command');
    expect(told).not.toContain('gone');
    expect(told.filter((line) => line === beat)).toHaveLength(1);
  });

  it('ends a gate that is shut as well when lockex is gone', async () => {
    const { guard, told } = guardIn(shell);
    const victim = sleeper();
    guard.send('shut', `gate ${victim.pid} ${victim.start}`, beatIn(600_000));
    guard.hangUp();
    await until(() => told.includes('gone'), "the guard's end");
    expect(isStill(victim)).toBe(false);
  });

  it('is not disarmed once it has fired', async () => {
    const { guard, told } = guardIn(shell);
    const first = sleeper();
    guard.send(`gate ${first.pid} ${first.start}`, beatIn(-10));
    await until(() => !isStill(first), 'the end of the command');
    await until(() => told.includes('firing'), 'the word of it');
    const beat = beatIn(600_000);
    guard.send(beat);
    // An echo would be here in a few milliseconds; that there is none can only be waited for.
    await pause(500);
    expect(told).not.toContain(beat);
  });

  it('lets the reaper take its time', async () => {
    const out = join(temporaryFolder(), 'out');
    const { guard, told } = guardIn(shell);
    const victim = sleeper();
    const words = ['/bin/sh', '-c', `sleep 2; touch ${out}`].map((word) => `word ${word}`);
    guard.send(`gate ${victim.pid} ${victim.start}`, 'reaper', ...words, 'credentials x');
    guard.hangUp();
    await until(() => existsSync(out), 'what the reaper does');
    await until(() => told.includes('gone'), "the guard's end");
  });

  it('does not touch a process that was given the number of the command', async () => {
    const { guard, told } = guardIn(shell);
    const stranger = sleeper();
    guard.send(`gate ${stranger.pid} ${stranger.start - 1}`, beatIn(-10));
    guard.hangUp();
    await until(() => told.includes('gone'), "the guard's end");
    expect(isStill(stranger)).toBe(true);
    expect(readProcess(stranger.pid)?.state).not.toBe('T');
  });

  it('does not touch a process that was given the number of one that it was told of', async () => {
    const { guard, told } = guardIn(shell);
    const victim = sleeper();
    const recorded = sleeper();
    const stranger = sleeper();
    const ours = `ours ${recorded.pid}:${recorded.start} ${stranger.pid}:${stranger.start - 1}`;
    guard.send(`gate ${victim.pid} ${victim.start}`, ours, beatIn(600_000));
    guard.hangUp();
    await until(() => told.includes('gone'), "the guard's end");
    expect([victim, recorded, stranger].map(isStill)).toEqual([false, false, true]);
    expect(readProcess(stranger.pid)?.state).not.toBe('T');
  });
});

describe.runIf(process.getuid?.() === 0)('what will not die', () => {
  it('keeps the session from being closed: the reaper is not run', async () => {
    const out = join(temporaryFolder(), 'out');
    chmodSync(dirname(out), 0o777);
    // A guard that may not kill the command of another user; it gives up after 3 rounds, not 3000.
    const edit = 'ending=$(printf %s "$ending" | sed s/3000/3/); export ending';
    const user = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const { guard, told } = guardIn(['/bin/sh', '-c', `${edit}; exec ${user} /bin/sh "$@"`, 'sh']);
    const victim = sleeper();
    guard.send(`gate ${victim.pid} ${victim.start}`);
    guard.send('reaper', 'word /bin/touch', `word ${out}`, 'credentials x', beatIn(600_000));
    await until(() => told.some((line) => line.startsWith('beat')), 'the echo');
    guard.hangUp();
    await until(() => told.includes('gone'), "the guard's end");
    expect(isStill(victim)).toBe(true);
    expect(existsSync(out)).toBe(false);
    // The same guard, had it been let: what keeps the file away is the living process.
    victim.child.kill('SIGKILL');
    await until(() => !isStill(victim), 'the end of the command');
    const again = guardIn(['/bin/sh', '-c', `${edit}; exec ${user} /bin/sh "$@"`, 'sh']);
    again.guard.send(`gate ${victim.pid} ${victim.start}`);
    again.guard.send('reaper', 'word /bin/touch', `word ${out}`, 'credentials x');
    again.guard.hangUp();
    await until(() => existsSync(out), 'the reaper');
  });
});

describe.each(SHELLS)('a guard in %s', (_name, shell) => {
  it.each(['a b', 'a) b', '(', 'a) S 1 1 1 1 1', ') R 1 1 1 1 1 )'])(
    'finds a process that is named %j',
    async (name) => {
      const { guard, told } = guardIn(shell);
      const program = join(temporaryFolder(), name);
      copyFileSync('/bin/sleep', program);
      const victim = sleeper();
      const child = spawn(program, ['200'], {
        detached: true,
        stdio: 'ignore',
        env: { MARK: '1' },
      });
      onCleanUp(() => void child.kill('SIGKILL'));
      const pid = child.pid ?? 0;
      await until(() => readProcess(pid)?.name === name, 'its name');
      guard.send(`gate ${victim.pid} ${victim.start}`, 'marker MARK', beatIn(600_000));
      guard.hangUp();
      await until(() => told.includes('gone'), "the guard's end");
      await until(() => child.signalCode === 'SIGKILL', 'its end');
    },
  );
});

describe.runIf(process.getuid?.() === 0)('where no process can be started any more', () => {
  const USER = 65_531;
  const drop = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  /** As that user, so that the limit is its own. */
  const asUser = (shell: readonly string[]) => ['/usr/bin/env', ...drop, ...shell];
  /** Of everything in that session. */
  const allowNone = (session: number) => {
    for (const record of readProcessTable().values()) {
      if (record.session !== session) continue;
      execFileSync('/usr/bin/env', [...drop, 'prlimit', `--pid=${record.pid}`, '--nproc=1:1']);
    }
  };
  const marker = 'LOCKEX_HELD_test';
  const theirs = (env: Record<string, string> = {}) => {
    const options = { uid: USER, gid: USER, cwd: '/', env: { PATH: '/usr/bin:/bin', ...env } };
    return sleeper(options);
  };

  it.each(SHELLS)(
    'a guard in %s ends the command, and what it can find by its marker',
    async (_, shell) => {
      const { guard, told, pid } = guardIn(asUser(shell));
      const [victim, marked, stranger] = [theirs(), theirs({ [marker]: '1' }), theirs()];
      guard.send(`gate ${victim.pid} ${victim.start}`, `marker ${marker}`, beatIn(2500));
      await until(() => told.some((line) => line.startsWith('beat')), 'the echo');
      allowNone(pid);
      guard.hangUp();
      await until(() => !isStill(victim) && !isStill(marked), 'the end of both');
      expect(isStill(stranger)).toBe(true);
      await until(() => told.includes('gone'), "the guard's end");
    },
  );

  it('dash says that it can guard no longer, and is replaced', async () => {
    const { guard, told, pid } = guardIn(asUser(['dash']));
    const victim = theirs();
    guard.send(`gate ${victim.pid} ${victim.start}`, beatIn(600_000));
    await until(() => told.some((line) => line.startsWith('beat')), 'the echo');
    allowNone(pid);
    await until(() => told.includes('gone'), "the guard's end");
    expect(isStill(victim)).toBe(true);
  });

  it('dash keeps the last deadline all the same, should nobody replace it', async () => {
    const child = spawn('/usr/bin/env', [...asUser(['dash']).slice(1), '-c', GUARD_BOOT, 'guard'], {
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', script: GUARD_SCRIPT, ending: GUARD_ENDING, facts: '' },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    onCleanUp(() => signalSession(child.pid ?? 0, 'SIGKILL'));
    const wire = child.stdio[3] as Duplex;
    const said: string[] = [];
    wire.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const victim = theirs();
    const begun = systemClock.now();
    wire.write(`gate ${victim.pid} ${victim.start}\n${beatIn(4000)}\n`);
    await until(() => said.join('').includes('beat'), 'the echo');
    allowNone(child.pid ?? 0);
    await until(() => said.join('').includes('broken'), 'the word of it');
    expect(isStill(victim)).toBe(true);
    await until(() => !isStill(victim), 'the end of the command');
    expect(systemClock.now()).toBeGreaterThan(begun + 3900);
  });
});

it('the gate is not opened before a guard has echoed', async () => {
  const { supervisor, events } = supervise({ command: { kind: 'shell', line: 'sleep 200' } });
  supervisor.send({ type: 'command.park' });
  const first = await standingGuard(supervisor);
  process.kill(-first, 'SIGSTOP');
  supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
  supervisor.send({ type: 'command.start', grant: GRANT });
  await events.next('command.started');
  // The one that was stopped could not echo: it took another.
  expect(supervisor.guardPid).not.toBe(first);
});
