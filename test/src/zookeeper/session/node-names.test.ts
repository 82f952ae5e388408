/** Invalid node names in answers: of a scripted server, since a healthy one accepts none. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { CreateMode } from '../../../../src/zookeeper/client.ts';
import { Session } from '../../../../src/zookeeper/session/session.ts';
import { bytes, int, STAT, startScriptedServer } from '../scripted-server.ts';

const ASKED = '/lock/g__lock__';

/** A session whose first request is answered with this. */
async function answering(...answer: readonly Buffer[]): Promise<Session> {
  const { port } = await startScriptedServer(async (connection) => {
    await connection.shakeHands();
    const request = await connection.frame();
    if (request !== null) connection.answer(request.readInt32BE(0), 0, ...answer);
  });
  const session = new Session({
    ...openAccess([{ host: '127.0.0.1', port }]),
    timeoutMs: 4000,
    clock: systemClock,
    log: () => {},
  });
  onTestFinished(() => session.abandon());
  await session.connect(20_000);
  return session;
}

const text = (value: string) => bytes(Buffer.from(value));
const MALFORMED = { code: 'DATA_INCONSISTENCY' };

describe('the name of a node that was created by sequence', () => {
  it.each(['0000000007', '2147483647', '-2147483648', '-000000001'])(
    'ends with %s',
    async (sequence) => {
      const session = await answering(text(ASKED + sequence));
      const mode = CreateMode.EPHEMERAL_SEQUENTIAL;
      const created = await session.create(ASKED, Buffer.alloc(0), { mode });
      expect(created.path).toBe(ASKED + sequence);
    },
  );

  it.each([
    `${ASKED}0000000007\n99999999999`,
    `${ASKED}0000000007\0`,
    `${ASKED}`,
    `${ASKED}7`,
    `${ASKED}00000000007`,
    '/lock/other__lock__0000000007',
    '',
  ])('is refused: %j', async (path) => {
    const session = await answering(text(path));
    const mode = CreateMode.EPHEMERAL_SEQUENTIAL;
    await expect(session.create(ASKED, Buffer.alloc(0), { mode })).rejects.toMatchObject(MALFORMED);
  });
});

it('the name of a node that was created without a sequence is the requested one', async () => {
  const session = await answering(text('/lock\n'));
  const mode = CreateMode.PERSISTENT;
  await expect(session.create('/lock', Buffer.alloc(0), { mode })).rejects.toMatchObject(MALFORMED);
});

describe('the name of a child', () => {
  const children = (...names: string[]) => [int(names.length), ...names.map(text), STAT];

  it('may be any that a server accepts', async () => {
    const names = ['g__lock__0000000001', '…', 'ä ö', '-', '...'];
    const session = await answering(...children(...names));
    expect(await session.getChildren('/lock')).toEqual(names);
  });

  it.each(['a\nb', 'g__lock__0000000001\n', '\0', 'a/b', '', '.', '..', '\u001b[2J', '\u009b'])(
    'is refused: %j',
    async (name) => {
      const session = await answering(...children('g__lock__0000000001', name));
      await expect(session.getChildren('/lock')).rejects.toMatchObject(MALFORMED);
    },
  );
});
