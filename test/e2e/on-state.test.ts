/** `--on-state` on a real run. */
import { expect, it } from 'vitest';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { contentOf, runLockex, startLockex, temporaryFolder } from './program.ts';

it('receives each state, the reason and the exit status; standard output is only the command’s', async () => {
  const { connectString } = await sharedServerWithChroot();
  const file = `${temporaryFolder()}/told`;
  const hook = `echo "$LOCKEX_LOCKID: $LOCKEX_STATE: $LOCKEX_REASON" >>${file}; echo noise`;
  const words = ['-z', connectString, '-q', '-i', 'web', '--on-state', hook];
  const { status, stdout } = await runLockex([...words, '--', 'echo up; exit 3']);
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

it('that hangs does not keep the command from running', async () => {
  const { connectString } = await sharedServerWithChroot();
  const words = ['-z', connectString, '--on-state', 'exec sleep 600', '--', 'echo up; read line'];
  const program = startLockex(words);
  await program.line(/^up$/);
  program.stdin.end('go\n');
  const { status, stderr } = await program.ended;
  expect(status).toBe(0);
  expect(stderr).toContain('--on-state took longer than 10 s for connecting and was killed');
});
