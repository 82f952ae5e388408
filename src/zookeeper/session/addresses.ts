/**
 * Resolves a server's name to all its addresses. A socket also tries them in order, but stops at
 * the first that accepts a connection, which may not be a working server.
 */
import { type Host, isAddress } from '../../settings/access.ts';
import type { Clock } from '../../util/clock.ts';

/** All addresses of a name. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * Returns the same server with each of its addresses; empty if it has only one, or if the lookup
 * takes longer than `boundMs`.
 */
export async function otherWaysTo(
  server: Host,
  { clock, boundMs, lookup = lookupAll }: LookupOptions,
): Promise<Host[]> {
  if (isAddress(server.host)) return [];
  const found = await new Promise<readonly string[]>((resolve) => {
    const timer = clock.setTimeout(() => resolve([]), boundMs);
    lookup(server.host)
      .catch(() => [])
      .then((addresses) => {
        clock.clearTimeout(timer);
        resolve(addresses);
      });
  });
  return found.length < 2 ? [] : found.map((address) => ({ ...server, address }));
}

interface LookupOptions {
  readonly clock: Clock;
  readonly boundMs: number;
  readonly lookup?: Lookup | undefined;
}

async function lookupAll(name: string): Promise<string[]> {
  // Loaded on demand: rarely needed, and it would slow down every start.
  const { lookup } = process.getBuiltinModule('node:dns/promises');
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
