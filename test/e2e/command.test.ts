/** The command's streams, environment and signals. */
import { beforeEach, describe, expect, it } from 'vitest';
import { gone } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, runLockex, startLockex, temporaryDirectory, untilState } from './program.ts';

let hosts: string;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
});

describe('the streams', () => {
  it('belong to the command: lockex neither reads stdin nor writes to stdout', async () => {
    const input = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join('\n');
    const { stdout, status } = await runLockex(['-z', hosts, '--', 'cat'], { input });
    expect(status).toBe(0);
    expect(stdout === input).toBe(true);
  });

  it('for stderr are shared by the command and lockex', async () => {
    const { stderr } = await runLockex(['-z', hosts, '-q', '--', 'echo mine >&2']);
    expect(stderr).toBe('mine\n');
  });
});

describe('the environment', () => {
  it('contains the lock, its token and node, and is complete', async () => {
    const env = { 'my-var': 'odd name', MULTI: 'two\nlines', PLAIN: 'x' };
    const { stdout } = await runLockex(['-z', hosts, '-i', 'e', '-q', '--', 'env', '-0'], { env });
    const seen = new Map(
      stdout
        .split('\0')
        .map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]),
    );
    expect(seen.get('my-var')).toBe('odd name');
    expect(seen.get('MULTI')).toBe('two\nlines');
    expect(seen.get('LOCKEX_LOCKID')).toBe('e');
    expect(seen.get('LOCKEX_FENCING_TOKEN')).toMatch(/^\d+$/);
    expect(seen.get('LOCKEX_LOCK_PATH')).toMatch(/^\/lockex\/e\/[0-9a-f]{32}__lock__\d{10}$/);
    expect([...seen.keys()].filter((name) => name?.startsWith('LOCKEX_HELD_'))).toHaveLength(1);
  });

  it('has a token that increases with every grant', async () => {
    const tokens: bigint[] = [];
    for (let grant = 0; grant < 3; grant += 1) {
      const args = ['-z', hosts, '-i', 'e', '-q', '--', 'echo $LOCKEX_FENCING_TOKEN'];
      tokens.push(BigInt((await runLockex(args)).stdout));
    }
    expect(tokens[1] ?? 0n).toBeGreaterThan(tokens[0] ?? 0n);
    expect(tokens[2] ?? 0n).toBeGreaterThan(tokens[1] ?? 0n);
  });
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)(
    '%s is passed on once, and does not end lockex',
    async (signal) => {
      const file = `${temporaryDirectory()}/got`;
      const name = signal.slice(3);
      const script = `trap 'echo got >>${file}' ${name}; echo up; while [ ! -s ${file} ]; do sleep 0.05; done; sleep 0.3; exit 5`;
      const program = startLockex(['-z', hosts, '--', script]);
      await program.line(/^up$/);
      program.signal(signal);
      expect((await program.ended).status).toBe(5);
      expect(contentOf(file)).toBe('got\n');
    },
  );

  it('TERM stops the process group; processes that ignore it are killed after --kill-after', async () => {
    const script = "trap '' TERM; echo up $$; (trap '' TERM; sleep 600) & sleep 600";
    const program = startLockex(['-z', hosts, '--kill-after', '0.3', '--', script]);
    const pid = Number((await program.line(/^up/)).split(' ')[1]);
    program.signal('SIGTERM');
    expect((await program.ended).status).toBe(137);
    await gone(pid);
  });

  it('a second TERM kills at once', async () => {
    const script = "trap '' TERM; echo up; while :; do sleep 0.1; done";
    const program = startLockex(['-z', hosts, '--kill-after', '600', '--', script]);
    await program.line(/^up$/);
    program.signal('SIGTERM');
    await untilState(program, 'cleanup');
    program.signal('SIGTERM');
    expect((await program.ended).status).toBe(137);
  });

  it('TSTP is ignored: a stopped lockex would lose the lock', async () => {
    const program = startLockex(['-z', hosts, '--', 'echo up; sleep 600']);
    await program.line(/^up$/);
    program.signal('SIGTSTP');
    await program.line(/SIGTSTP/, 'stderr');
    program.signal('SIGTERM');
    expect((await program.ended).status).toBe(143);
  });
});

describe('a process that outlives the command', () => {
  it('is stopped before the lock is released, and named', async () => {
    // Exits after the other process has executed its program.
    const named = 'until grep -q sleep /proc/$!/comm; do :; done';
    const script = `sleep 600 >/dev/null 2>&1 & echo $!; ${named}; exit 4`;
    const { status, stdout, stderr } = await runLockex(['-z', hosts, '--', script]);
    expect(status).toBe(4);
    expect(stderr).toMatch(new RegExp(`sleep\\[${stdout.trim()}\\]`));
    await gone(Number(stdout));
  });
});
