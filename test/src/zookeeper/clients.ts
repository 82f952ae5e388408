/**
 * The bare client and lockex's session behind one small interface, so that a check of behaviour can
 * be written once and run against both.
 */
// @ts-expect-error: the package has no types
import zookeeper from 'node-zookeeper-client';
import { openAccess } from '../../../src/settings/access.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { Session } from '../../../src/zookeeper/session/session.ts';

/** Shorter than a test waits for a client that hangs. */
const CONNECT_MS = 5000;

export interface Client {
  /** Resolves when connected; rejects when the client gives up. Bounded by the test. */
  connect(): Promise<void>;
  exists(path: string): Promise<unknown>;
  /** The same with a callback, called when and from where the client calls it. */
  ask(path: string, done: (error: unknown) => void): void;
  close(): Promise<void>;
  /** The number of times that it reported a connection. */
  readonly connects: () => number;
  /** The events that it reported, in order. */
  readonly events: readonly string[];
}

export type ClientMaker = (hosts: string, timeoutMs: number) => Client;

interface BareClient {
  connect(): void;
  close(): void;
  on(event: string, listener: () => void): void;
  once(event: string, listener: () => void): void;
  exists(path: string, done: (error: Error | null, stat: unknown) => void): void;
}

export const bare: ClientMaker = (hosts, sessionTimeout) => {
  const client: BareClient = zookeeper.createClient(hosts, {
    sessionTimeout,
    spinDelay: 50,
    retries: 0,
  });
  const events: string[] = [];
  for (const event of ['connected', 'disconnected', 'expired']) {
    client.on(event, () => events.push(event));
  }
  return {
    events,
    connects: () => events.filter((event) => event === 'connected').length,
    connect: () =>
      new Promise((resolve) => {
        client.once('connected', resolve);
        client.connect();
      }),
    exists: (path) =>
      new Promise((resolve, reject) => {
        client.exists(path, (error, stat) => (error ? reject(error) : resolve(stat)));
      }),
    ask: (path, done) => client.exists(path, done),
    close: () =>
      new Promise((resolve) => {
        client.once('disconnected', resolve);
        client.close();
      }),
  };
};

export const lockexClient: ClientMaker = (hosts, timeoutMs) => {
  const session = new Session({
    ...openAccess(
      hosts.split(',').map((entry) => {
        const colon = entry.lastIndexOf(':');
        const host = entry.slice(0, colon).replace(/^\[|\]$/g, '');
        return { host, port: Number(entry.slice(colon + 1)) };
      }),
    ),
    timeoutMs,
    clock: systemClock,
    log: () => {},
    // The order as given.
    random: () => 0.999,
  });
  const events: string[] = [];
  session.on('attached', () => events.push('connected'));
  session.on('detached', () => events.push('disconnected'));
  session.on('expired', () => events.push('expired'));
  return {
    events,
    connects: () => events.filter((event) => event === 'connected').length,
    connect: () => session.connect(CONNECT_MS),
    exists: (path) => session.exists(path),
    ask: (path, done) => {
      session.exists(path).then(() => done(null), done);
    },
    close: async () => {
      await session.close(2000);
    },
  };
};
