/** TLS: mutual authentication, and all ways in which it can fail. */
import { chmodSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../scripts/servers/loopback.ts';
import { Authority } from '../support/certificates.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { type Server, type ServerOptions, startServer } from '../support/zookeeper.ts';
import { runLockex, startLockex, temporaryDirectory, untilQueued, untilState } from './program.ts';

interface SecureServer {
  readonly server: Server;
  readonly port: number;
}

let authority: Authority;
let stranger: Authority;
/** A server that accepts all clients. */
let open: SecureServer;
/**
 * A server that requires a client certificate and a password; its certificate has only its name.
 */
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
  const file = `${temporaryDirectory()}/auth`;
  writeFileSync(file, 'alice:secret\n');
  chmodSync(file, 0o600);
  return ['--auth-file', file];
}

describe('a lock', () => {
  it.each(['localhost', '127.0.0.1'])('is acquired over TLS from the server %s', async (name) => {
    const args = ['-z', `${name}:${open.port}`, '-i', name, ...trusting()];
    const run = await runLockex([...args, '--', 'echo up; exit 7']);
    expect(run).toMatchObject({ status: 7, stdout: 'up\n' });
    const status = await runLockex(['status', ...args.filter((arg) => arg !== '-i'), '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject([{ id: name, holders: [] }]);
  });

  it('is free at once after its holder was killed: the reaper authenticates as well', async () => {
    const args = () => [
      ...['-z', `localhost:${closed.port}`, '-i', 'x', '-T', '60'],
      ...[...as(authority.sign('client')), ...password(), '--', 'sleep 600'],
    ];
    const holder = startLockex(args());
    await untilState(holder, 'running');
    const standby = startLockex(args());
    await untilQueued(standby);
    holder.signal('SIGKILL');
    // Long before the session timeout.
    await standby.line(/"state":"running"/, 'stderr', 30_000);
  });

  it('survives the loss of a connection, and is lost in time without another', async () => {
    const proxy = await startFaultProxy('127.0.0.1', open.port);
    onTestFinished(() => proxy.close());
    const args = ['-i', 'cut', ...trusting(), '--', 'sleep 600'];
    const holder = startLockex(['-z', `localhost:${proxy.port}`, ...args]);
    await untilState(holder, 'running');
    const standby = startLockex(['-z', `localhost:${open.port}`, ...args]);
    await untilQueued(standby);
    await proxy.refuse();
    await untilState(holder, 'suspended');
    await proxy.pass();
    await holder.line(/"state":"running".*reconnected/, 'stderr');
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
    'no client certificate',
    () => ['-z', `localhost:${closed.port}`, ...trusting()],
    /the server requires a client certificate \(--tls-cert\)/,
  ],
  [
    'an untrusted client certificate',
    () => ['-z', `localhost:${closed.port}`, ...as(stranger.sign('client'))],
    /the server refused the client certificate \(--tls-cert\)/,
  ],
  [
    'an expired client certificate',
    () => ['-z', `localhost:${closed.port}`, ...as(authority.sign('old', { days: -1 }))],
    /the client certificate in \S+ has expired/,
  ],
  [
    'a key of another certificate',
    () => {
      const { cert } = authority.sign('client');
      return ['-z', `localhost:${closed.port}`, ...as({ cert, key: stranger.sign('x').key })];
    },
    /--tls-key is not the key of --tls-cert/,
  ],
];

describe('a server', () => {
  it.each(refusals)('with %s is refused at once, in one line', async (_, args, message) => {
    // lockex would otherwise retry for longer than the test lasts.
    const { status, stderr } = await runLockex(['-q', '-T', '600', ...args(), '--', 'echo up']);
    expect(status).toBe(125);
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(message);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/ error: done: no ZooKeeper server could be reached$/),
    ]);
  });

  it('without TLS, or with TLS only, is distinguished from one that is down', async () => {
    const run = (args: readonly string[]) => runLockex(['-q', '-T', '1', ...args, '--', 'true']);
    const noTls = await run(['-z', open.server.connectString, ...trusting()]);
    expect(noTls.stderr).toContain(
      'closed the connection during the TLS handshake (not a TLS port?)',
    );
    const onlyTls = await run(['-z', `localhost:${open.port}`]);
    expect(onlyTls.stderr).toContain('closed the connection instead of answering the handshake');
    expect([noTls.status, onlyTls.status]).toEqual([125, 125]);
  });

  it('that requires authentication is reported as such', async () => {
    const args = ['-z', `localhost:${closed.port}`, ...as(authority.sign('client'))];
    const { status, stderr } = await runLockex(['-q', ...args, '--', 'echo up']);
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
      'contains no certificate',
    ],
    [
      'an invalid certificate',
      () => ['--tls-ca', garbled('CERTIFICATE')],
      'contains an invalid certificate',
    ],
    [
      'an invalid key',
      () => as({ cert: authority.sign('x').cert, key: garbled('PRIVATE KEY') }),
      'contains an invalid private key',
    ],
    ['no key', () => [...as({ cert: authority.ca, key: authority.ca })], 'can be read by others'],
    ['one that is not there', () => ['--tls-ca', '/nowhere'], "can't be read: no such file"],
  ])('are looked at first: %s', async (_, args, message) => {
    const { status, stderr } = await runLockex(['-z', 'localhost:1', ...args(), '--', 'true']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^lockex: .*\n$/);
    expect(stderr).toContain(message);
  });
});

function garbled(kind: string): string {
  const file = `${temporaryDirectory()}/garbled.pem`;
  writeFileSync(file, `-----BEGIN ${kind}-----\ngarbled\n-----END ${kind}-----\n`, { mode: 0o600 });
  return file;
}

function readable<T extends { readonly key: string }>(pair: T): T {
  chmodSync(pair.key, 0o644);
  return pair;
}
