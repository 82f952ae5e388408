/**
 * The addresses of a server's name. A socket tries them one after the other by itself, but stops at
 * the first that accepts a connection, which need not be a working server.
 */
import { type Host, isAddress } from '../../settings/access.ts';
import type { Clock } from '../../util/clock.ts';

/** All addresses of a name. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * The same server at each of its addresses; empty if it has just one, or if they are unknown within
 * `boundMs`.
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
  // Not imported: rarely needed, and it would add a little to every start.
  const { lookup } = process.getBuiltinModule('node:dns/promises');
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
