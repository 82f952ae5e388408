/** `--on-state` in real runs. */
import { expect, it } from 'vitest';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, runLockex, startLockex, temporaryDirectory } from './program.ts';

it('reports each state with its reason; standard output belongs to the command', async () => {
  const { connectString } = await sharedServerWithChroot();
  const file = `${temporaryDirectory()}/states`;
  const hook = `echo "$LOCKEX_LOCKID: $LOCKEX_STATE: $LOCKEX_REASON" >>${file}; echo noise`;
  const args = ['-z', connectString, '-q', '-i', 'web', '--on-state', hook];
  const { status, stdout } = await runLockex([...args, '--', 'echo up; exit 3']);
  expect({ status, stdout }).toEqual({ status: 3, stdout: 'up\n' });
  expect(contentOf(file).trim().split('\n')).toEqual([
    'web: connecting: ',
    'web: waiting: ',
    'web: locked: ',
    'web: running: ',
    'web: cleanup: the command exited with 3',
    'web: done: the command exited with 3',
  ]);
});

it('does not delay the command if the hook hangs', async () => {
  const { connectString } = await sharedServerWithChroot();
  const args = ['-z', connectString, '--on-state', 'exec sleep 600', '--', 'echo up; read line'];
  const program = startLockex(args);
  await program.line(/^up$/);
  program.stdin.end('go\n');
  const { status, stderr } = await program.ended;
  expect(status).toBe(0);
  expect(stderr).toContain('--on-state took longer than 10 s for connecting and was killed');
});
