/** Sessions for tests, at a real server or another one; each is closed after its test. */
import { afterEach, onTestFinished } from 'vitest';
import { openAccess } from '../../../../src/settings/access.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { Session, type SessionOptions } from '../../../../src/zookeeper/session/session.ts';
import { startFaultProxy } from '../../../support/fault-proxy.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';
import { sharedServer } from '../../../support/zookeeper.ts';

export const T = 4000;
const open: Session[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close(1000)));
});

export function made(options: Partial<SessionOptions> = {}): Session {
  const { host, port } = sharedServer();
  const session = new Session({
    ...openAccess([{ host, port }]),
    timeoutMs: T,
    clock: systemClock,
    log: () => {},
    // Hosts in the order given.
    random: () => 0.999,
    ...options,
  });
  open.push(session);
  return session;
}

export async function connected(options: Partial<SessionOptions> = {}): Promise<Session> {
  const session = made(options);
  await session.connect(20_000);
  return session;
}

export const next = <K extends 'attached' | 'detached' | 'expired'>(session: Session, event: K) =>
  new Promise<unknown>((resolve) => {
    session.once(event, resolve as never);
  });

/**
 * The error of `connect`. The first attempt has all the time it needs; for the others time passes
 * only by their deadlines, so that they run out of it.
 */
export async function failureOfConnect(port: number): Promise<unknown> {
  const clock = new SimulatedClock();
  let failure: unknown;
  const firstRound = new Promise<void>((resolve) => {
    const session = made({ hosts: [{ host: '127.0.0.1', port }], clock, log: () => resolve() });
    session.connect(300).catch((error: unknown) => {
      failure = error;
    });
  });
  await firstRound;
  await passUntil(clock, () => failure !== undefined);
  return failure;
}

export async function passUntil(clock: SimulatedClock, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await clock.advance(10);
    // Events of sockets arrive between two turns of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function through() {
  const { host, port } = sharedServer();
  const proxy = await startFaultProxy(host, port);
  onTestFinished(() => proxy.close());
  return { proxy, hosts: [{ host: proxy.host, port: proxy.port }] };
}
