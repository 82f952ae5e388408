/** TLS to servers with a secure port: who is who, and each way in which it can be wrong. */
import { chmodSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../scripts/servers/loopback.ts';
import { Authority } from '../support/certificates.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { type Server, type ServerOptions, startServer } from '../support/zookeeper.ts';
import { runLockex, startLockex, temporaryFolder, untilQueued, untilState } from './program.ts';

interface SecureServer {
  readonly server: Server;
  readonly port: number;
}

let authority: Authority;
let stranger: Authority;
/** Takes everybody. */
let open: SecureServer;
/** Wants a certificate and a password, and is to be called by its name. */
let closed: SecureServer;
let expired: SecureServer;

beforeAll(async () => {
  authority = new Authority();
  stranger = new Authority();
  [open, closed, expired] = await Promise.all([
    secureServer({ clientAuth: 'none' }),
    secureServer({ clientAuth: 'need', names: 'DNS:localhost' }, [
      'enforce.auth.enabled=true',
      'enforce.auth.schemes=digest',
    ]),
    secureServer({ clientAuth: 'none', days: -1 }),
  ]);
});

afterAll(async () => {
  await Promise.all([open, closed, expired].map(({ server }) => server?.stop()));
  authority.remove();
  stranger.remove();
});

async function secureServer(
  certificate: Parameters<Authority['securePort']>[1],
  properties: readonly string[] = [],
): Promise<SecureServer> {
  const port = await freePort();
  const options: ServerOptions = {
    maxSessionTimeout: 60_000,
    config: authority.securePort(port, certificate),
    jvmArguments: properties.map((property) => `-Dzookeeper.${property}`),
  };
  return { server: await startServer(options), port };
}

const trusting = () => ['--tls-ca', authority.ca];

function as({ cert, key }: { readonly cert: string; readonly key: string }): string[] {
  return [...trusting(), '--tls-cert', cert, '--tls-key', key];
}

function password(): string[] {
  const file = `${temporaryFolder()}/auth`;
  writeFileSync(file, 'alice:secret\n');
  chmodSync(file, 0o600);
  return ['--auth-file', file];
}

describe('a lock', () => {
  it.each(['localhost', '127.0.0.1'])('is had over TLS, the server known as %s', async (name) => {
    const words = ['-z', `${name}:${open.port}`, '-i', name, ...trusting()];
    const run = await runLockex([...words, '--', 'echo up; exit 7']);
    expect(run).toMatchObject({ status: 7, stdout: 'up\n' });
    const status = await runLockex(['status', ...words.filter((word) => word !== '-i'), '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject([{ id: name, holders: [] }]);
  });

  it('whose holder is killed is free at once: the reaper is authenticated, too', async () => {
    const words = () => [
      ...['-z', `localhost:${closed.port}`, '-i', 'x', '-T', '60'],
      ...[...as(authority.sign('client')), ...password(), '--', 'sleep 600'],
    ];
    const holder = startLockex(words());
    await untilState(holder, 'running');
    const standby = startLockex(words());
    await untilQueued(standby);
    holder.signal('SIGKILL');
    // Long before the session timeout.
    await standby.line(/"state":"running"/, 'stderr', 30_000);
  });

  it('survives the loss of its connection, and is lost in time where there is no other', async () => {
    const proxy = await startFaultProxy('127.0.0.1', open.port);
    onTestFinished(() => proxy.close());
    const words = ['-i', 'cut', ...trusting(), '--', 'sleep 600'];
    const holder = startLockex(['-z', `localhost:${proxy.port}`, ...words]);
    await untilState(holder, 'running');
    const standby = startLockex(['-z', `localhost:${open.port}`, ...words]);
    await untilQueued(standby);
    await proxy.refuse();
    await untilState(holder, 'suspended');
    await proxy.pass();
    await holder.line(/"state":"running".*connected again/, 'stderr');
    await proxy.blackhole('both');
    expect((await holder.ended).status).toBe(124);
    await untilState(standby, 'running');
  });
});

const refusals: readonly [string, () => readonly string[], RegExp][] = [
  [
    'an unknown authority',
    () => ['-z', `localhost:${open.port}`, '--tls-ca', stranger.ca],
    /its certificate is not signed by an authority in --tls-ca/,
  ],
  [
    'an expired certificate',
    () => ['-z', `localhost:${expired.port}`, ...trusting()],
    /its certificate has expired/,
  ],
  [
    'a certificate for another name',
    () => ['-z', `127.0.0.1:${closed.port}`, ...as(authority.sign('client'))],
    /its certificate is for another name/,
  ],
  [
    'no certificate of ours',
    () => ['-z', `localhost:${closed.port}`, ...trusting()],
    /the server wants a certificate of ours \(--tls-cert\)/,
  ],
  [
    'a certificate of ours that it does not know',
    () => ['-z', `localhost:${closed.port}`, ...as(stranger.sign('client'))],
    /the server refuses our certificate \(--tls-cert\)/,
  ],
  [
    'a certificate of ours that has expired',
    () => ['-z', `localhost:${closed.port}`, ...as(authority.sign('old', { days: -1 }))],
    /our certificate in \S+ has expired/,
  ],
  [
    'a key that is another’s',
    () => {
      const { cert } = authority.sign('client');
      return ['-z', `localhost:${closed.port}`, ...as({ cert, key: stranger.sign('x').key })];
    },
    /--tls-key is not the key of --tls-cert/,
  ],
];

describe('a server', () => {
  it.each(refusals)('with %s is refused at once, in one line', async (_, words, message) => {
    // It would be waited for longer than the test lasts.
    const { status, stderr } = await runLockex(['-q', '-T', '600', ...words(), '--', 'echo up']);
    expect(status).toBe(125);
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(message);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/ error: done: no ZooKeeper server could be reached$/),
    ]);
  });

  it('that speaks no TLS, or nothing else, is told from one that is down', async () => {
    const run = (words: readonly string[]) => runLockex(['-q', '-T', '1', ...words, '--', 'true']);
    const noTls = await run(['-z', open.server.connectString, ...trusting()]);
    expect(noTls.stderr).toContain('closed the connection before TLS stood (no TLS on this port?)');
    const onlyTls = await run(['-z', `localhost:${open.port}`]);
    expect(onlyTls.stderr).toContain('closed the connection instead of answering the handshake');
    expect([noTls.status, onlyTls.status]).toEqual([125, 125]);
  });

  it('that takes nobody without authentication says so', async () => {
    const words = ['-z', `localhost:${closed.port}`, ...as(authority.sign('client'))];
    const { status, stderr } = await runLockex(['-q', ...words, '--', 'echo up']);
    expect(status).toBe(125);
    expect(stderr).toContain('the server requires authentication');
  });
});

describe('the files', () => {
  it.each([
    [
      'a key that others can read',
      () => as(readable(authority.sign('x'))),
      'can be read by others',
    ],
    [
      'a key for a certificate',
      () => ['--tls-ca', authority.sign('x').key],
      'holds no certificate',
    ],
    [
      'a certificate that is none',
      () => ['--tls-ca', garbled('CERTIFICATE')],
      "holds a certificate that can't be read",
    ],
    [
      'a key that is none',
      () => as({ cert: authority.sign('x').cert, key: garbled('PRIVATE KEY') }),
      "holds a private key that can't be read",
    ],
    ['no key', () => [...as({ cert: authority.ca, key: authority.ca })], 'can be read by others'],
    [
      'one that is not there',
      () => ['--tls-ca', '/nowhere'],
      "can't be read: there is no such file",
    ],
  ])('are looked at first: %s', async (_, words, message) => {
    const { status, stderr } = await runLockex(['-z', 'localhost:1', ...words(), '--', 'true']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^lockex: .*\n$/);
    expect(stderr).toContain(message);
  });
});

function garbled(kind: string): string {
  const file = `${temporaryFolder()}/garbled.pem`;
  writeFileSync(file, `-----BEGIN ${kind}-----\ngarbled\n-----END ${kind}-----\n`, { mode: 0o600 });
  return file;
}

function readable<T extends { readonly key: string }>(pair: T): T {
  chmodSync(pair.key, 0o644);
  return pair;
}
