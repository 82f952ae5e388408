/** The example of docs/safety.md: a store that rejects older tokens. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startProgram } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { runLockex } from './program.ts';

const STORE = fileURLToPath(new URL('../../docs/examples/fenced-store.js', import.meta.url));

it('a store rejects a late write of an earlier holder', async () => {
  const { connectString } = await sharedServerWithChroot();
  const store = startProgram(process.execPath, [STORE, '0']);
  const [port] = (await store.line(/^listening on \d+$/)).split(' ').slice(-1);
  const url = `http://127.0.0.1:${port}/key`;
  const grant = async () => {
    const args = ['-z', connectString, '-q', '-i', 'f', '--', 'echo $LOCKEX_FENCING_TOKEN'];
    return (await runLockex(args)).stdout.trim();
  };
  const put = async (token: string, body: string) => {
    const { status } = await fetch(url, {
      method: 'PUT',
      headers: { 'fencing-token': token },
      body,
    });
    return status;
  };
  const [first, second] = [await grant(), await grant()];
  expect(await put(first, 'by the first')).toBe(204);
  expect(await put(second, 'by the second')).toBe(204);
  expect(await put(first, 'late')).toBe(409);
  expect(await (await fetch(url)).text()).toBe('by the second');
  expect(await put('x', 'no token')).toBe(400);
});
