import { expect, it } from 'vitest';
import { gone, isAlive, run, startProgram } from './processes.ts';

it('run resolves to the status and both outputs', async () => {
  const ended = await run('sh', ['-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' });
  expect(ended).toEqual({ status: 3, signal: null, stdout: 'hello', stderr: 'oops\n' });
});

it('a program is killed after its maximum lifetime', async () => {
  const ended = await run('sleep', ['30'], { maxLifeMs: 50 });
  expect(ended.signal).toBe('SIGKILL');
});

it('run rejects if the program does not exist', async () => {
  await expect(run('/no/such/program', [])).rejects.toThrow('ENOENT');
});

it('line finds past output, and waits for future output', async () => {
  const program = startProgram('sh', ['-c', 'echo ready; read answer; echo "got $answer" >&2']);
  expect(await program.line(/^ready$/)).toBe('ready');
  expect(await program.line(/^rea/)).toBe('ready');
  program.stdin.write('news\n');
  expect(await program.line(/got/, 'stderr')).toBe('got news');
});

it('line rejects with all output if no line matches', async () => {
  const program = startProgram('sh', ['-c', 'echo something; echo else >&2']);
  await expect(program.line(/^ready$/)).rejects.toThrow(/something\n[\s\S]*else/);
});

it('a zombie is not alive', async () => {
  // The shell is stopped before it can reap its child.
  const parent = startProgram('sh', ['-c', 'sleep 30 & echo $!; kill -STOP $$']);
  const child = Number(await parent.line(/^\d+$/));
  expect(await isAlive(child)).toBe(true);
  process.kill(child, 'SIGKILL');
  await gone(child);
});
