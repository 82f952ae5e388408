/** One guard alone, with the lines that lockex would send: deadlines, and processes to spare. */
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
import { cleanUp, onCleanUp, SHELLS, temporaryDirectory } from '../harness.ts';
import { stopSession } from './guard-processes.ts';

afterEach(cleanUp);

/** A process in a session of its own, like a gate. */
function sleeper(options: SpawnOptions = {}): Identity & { readonly child: ChildProcess } {
  const child = spawn('sleep', ['200'], { detached: true, stdio: 'ignore', ...options });
  onCleanUp(() => void child.kill('SIGKILL'));
  const record = readProcess(child.pid ?? 0);
  if (record === null) throw new Error('the sleeper is gone');
  return { pid: record.pid, start: record.start, child };
}

function guardIn(shell: readonly string[]) {
  const reported: string[] = [];
  const guard = new Guard(shell, [], {
    onBeat: (line) => reported.push(line),
    onFiring: () => reported.push('firing'),
    onGone: () => reported.push('gone'),
    onUnfit: (code) => reported.push(`unfit ${code}`),
  });
  onCleanUp(() => guard.kill());
  return { guard, reported, pid: guard.pid ?? 0 };
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
  it('echoes a deadline, and kills the command then, not before', async () => {
    const { guard, reported } = guardIn(shell);
    const victim = sleeper();
    const begun = systemClock.now();
    const beat = beatIn(1700);
    guard.send(`gate ${victim.pid} ${victim.start}`, beat);
    await until(() => reported.includes(beat), 'the echo');
    await until(() => !isStill(victim), 'the end of the command');
    // On a busy host it fires earlier, by at most a quarter of the time that it had (guard.sh).
    expect(systemClock.now() - begun).toBeGreaterThanOrEqual(0.75 * 1690);
    await until(() => reported.includes('firing'), 'the report');
  });

  it('accepts no deadline that it reads after the previous one has passed', async () => {
    const { guard, reported, pid } = guardIn(shell);
    const victim = sleeper();
    const beat = beatIn(1200);
    guard.send(`gate ${victim.pid} ${victim.start}`, beat);
    await until(() => reported.includes(beat), 'the echo');
    stopSession(pid);
    const later = beatIn(600_000);
    guard.send(later);
    const past = systemClock.now() + 1500;
    await until(() => systemClock.now() > past);
    signalSession(pid, 'SIGCONT');
    await until(() => !isStill(victim), 'the end of the command');
    expect(reported).not.toContain(later);
  });

  it('ignores a passed deadline while the gate is shut, and fires once it is opened', async () => {
    const { guard, reported } = guardIn(shell);
    const victim = sleeper();
    const beat = beatIn(300);
    guard.send('shut', `gate ${victim.pid} ${victim.start}`, beat);
    await until(() => reported.includes(beat), 'the echo');
    // It reads the clock at least once a second: by then it would have fired.
    const past = systemClock.now() + 1800;
    await until(() => systemClock.now() > past);
    expect(isStill(victim)).toBe(true);
    guard.send('open', beat);
    await until(() => !isStill(victim), 'the end of the command');
    expect(reported).not.toContain('gone');
    expect(reported.filter((line) => line === beat)).toHaveLength(1);
  });

  it('kills a gate that is shut when lockex is gone', async () => {
    const { guard, reported } = guardIn(shell);
    const victim = sleeper();
    guard.send('shut', `gate ${victim.pid} ${victim.start}`, beatIn(600_000));
    guard.hangUp();
    await until(() => reported.includes('gone'), "the guard's end");
    expect(isStill(victim)).toBe(false);
  });

  it('is not disarmed once it has fired', async () => {
    const { guard, reported } = guardIn(shell);
    const first = sleeper();
    guard.send(`gate ${first.pid} ${first.start}`, beatIn(-10));
    await until(() => !isStill(first), 'the end of the command');
    await until(() => reported.includes('firing'), 'the report');
    const beat = beatIn(600_000);
    guard.send(beat);
    // An echo would arrive within a few milliseconds.
    await pause(500);
    expect(reported).not.toContain(beat);
  });

  it('waits for the reaper', async () => {
    const out = join(temporaryDirectory(), 'out');
    const { guard, reported } = guardIn(shell);
    const victim = sleeper();
    const reaperArgs = ['/bin/sh', '-c', `sleep 2; touch ${out}`].map((arg) => `argument ${arg}`);
    guard.send(`gate ${victim.pid} ${victim.start}`, 'reaper', ...reaperArgs, 'credentials x');
    guard.hangUp();
    await until(() => existsSync(out), 'what the reaper does');
    await until(() => reported.includes('gone'), "the guard's end");
  });

  it('does not signal a process that got the pid of the command', async () => {
    const { guard, reported } = guardIn(shell);
    const unrelated = sleeper();
    guard.send(`gate ${unrelated.pid} ${unrelated.start - 1}`, beatIn(-10));
    guard.hangUp();
    await until(() => reported.includes('gone'), "the guard's end");
    expect(isStill(unrelated)).toBe(true);
    expect(readProcess(unrelated.pid)?.state).not.toBe('T');
  });

  it('does not signal a process that got the pid of a recorded one', async () => {
    const { guard, reported } = guardIn(shell);
    const victim = sleeper();
    const recorded = sleeper();
    const unrelated = sleeper();
    const known = `processes ${recorded.pid}:${recorded.start} ${unrelated.pid}:${unrelated.start - 1}`;
    guard.send(`gate ${victim.pid} ${victim.start}`, known, beatIn(600_000));
    guard.hangUp();
    await until(() => reported.includes('gone'), "the guard's end");
    expect([victim, recorded, unrelated].map(isStill)).toEqual([false, false, true]);
    expect(readProcess(unrelated.pid)?.state).not.toBe('T');
  });
});

describe.runIf(process.getuid?.() === 0)('a process that the guard cannot kill', () => {
  it('keeps the session open: the reaper is not started', async () => {
    const out = join(temporaryDirectory(), 'out');
    chmodSync(dirname(out), 0o777);
    // A guard without permission to kill the command; it gives up after 3 rounds, not 3000.
    const edit = 'ending=$(printf %s "$ending" | sed s/3000/3/); export ending';
    const user = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const { guard, reported } = guardIn([
      '/bin/sh',
      '-c',
      `${edit}; exec ${user} /bin/sh "$@"`,
      'sh',
    ]);
    const victim = sleeper();
    guard.send(`gate ${victim.pid} ${victim.start}`);
    const reaper = ['reaper', 'argument /bin/touch', `argument ${out}`, 'credentials x'];
    guard.send(...reaper, beatIn(600_000));
    await until(() => reported.some((line) => line.startsWith('beat')), 'the echo');
    guard.hangUp();
    await until(() => reported.includes('gone'), "the guard's end");
    expect(isStill(victim)).toBe(true);
    expect(existsSync(out)).toBe(false);
    // The same guard with the permission: only the living process kept the file away.
    victim.child.kill('SIGKILL');
    await until(() => !isStill(victim), 'the end of the command');
    const again = guardIn(['/bin/sh', '-c', `${edit}; exec ${user} /bin/sh "$@"`, 'sh']);
    again.guard.send(`gate ${victim.pid} ${victim.start}`, ...reaper);
    again.guard.hangUp();
    await until(() => existsSync(out), 'the reaper');
  });
});

describe.each(SHELLS)('a guard in %s', (_name, shell) => {
  it.each(['a b', 'a) b', '(', 'a) S 1 1 1 1 1', ') R 1 1 1 1 1 )'])(
    'finds a process that is named %j',
    async (name) => {
      const { guard, reported } = guardIn(shell);
      const program = join(temporaryDirectory(), name);
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
      await until(() => reported.includes('gone'), "the guard's end");
      await until(() => child.signalCode === 'SIGKILL', 'its end');
    },
  );
});

describe.runIf(process.getuid?.() === 0)('if no process can be started', () => {
  const USER = 65_531;
  const drop = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  /** As that user, to whom the limit applies. */
  const asUser = (shell: readonly string[]) => ['/usr/bin/env', ...drop, ...shell];
  /** Processes in that session. */
  const allowNone = (session: number) => {
    for (const record of readProcessTable().values()) {
      if (record.session !== session) continue;
      try {
        execFileSync('/usr/bin/env', [...drop, 'prlimit', `--pid=${record.pid}`, '--nproc=1:1']);
      } catch (error) {
        // A `sleep` of dash's ticker may have ended since.
        if (isStill(record)) throw error;
      }
    }
  };
  const marker = 'LOCKEX_HELD_test';
  const startAsUser = (env: Record<string, string> = {}) => {
    const options = { uid: USER, gid: USER, cwd: '/', env: { PATH: '/usr/bin:/bin', ...env } };
    return sleeper(options);
  };

  it.each(SHELLS)(
    'a guard in %s ends the command, and what it can find by its marker',
    async (_, shell) => {
      const { guard, reported, pid } = guardIn(asUser(shell));
      const [victim, marked, unrelated] = [
        startAsUser(),
        startAsUser({ [marker]: '1' }),
        startAsUser(),
      ];
      guard.send(`gate ${victim.pid} ${victim.start}`, `marker ${marker}`, beatIn(2500));
      await until(() => reported.some((line) => line.startsWith('beat')), 'the echo');
      allowNone(pid);
      guard.hangUp();
      await until(() => !isStill(victim) && !isStill(marked), 'the end of both');
      expect(isStill(unrelated)).toBe(true);
      await until(() => reported.includes('gone'), "the guard's end");
    },
  );

  it('dash reports that it cannot work any more, and is replaced', async () => {
    const { guard, reported, pid } = guardIn(asUser(['dash']));
    const victim = startAsUser();
    guard.send(`gate ${victim.pid} ${victim.start}`, beatIn(600_000));
    await until(() => reported.some((line) => line.startsWith('beat')), 'the echo');
    allowNone(pid);
    await until(() => reported.includes('gone'), "the guard's end");
    expect(isStill(victim)).toBe(true);
  });

  it('dash still fires at the last deadline if it is not replaced', async () => {
    const child = spawn('/usr/bin/env', [...asUser(['dash']).slice(1), '-c', GUARD_BOOT, 'guard'], {
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', script: GUARD_SCRIPT, ending: GUARD_ENDING, facts: '' },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    onCleanUp(() => signalSession(child.pid ?? 0, 'SIGKILL'));
    const wire = child.stdio[3] as Duplex;
    const received: string[] = [];
    wire.setEncoding('utf8').on('data', (text: string) => received.push(text));
    const victim = startAsUser();
    const begun = systemClock.now();
    wire.write(`gate ${victim.pid} ${victim.start}\n${beatIn(4000)}\n`);
    await until(() => received.join('').includes('beat'), 'the echo');
    allowNone(child.pid ?? 0);
    await until(() => received.join('').includes('broken'), 'the report');
    expect(isStill(victim)).toBe(true);
    await until(() => !isStill(victim), 'the end of the command');
    expect(systemClock.now()).toBeGreaterThan(begun + 3900);
  });
});
