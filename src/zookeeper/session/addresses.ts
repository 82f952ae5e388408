/**
 * The addresses that a server's name leads to. A socket tries them one after the other by itself, but
 * is content with the first at which somebody listens.
 */
import { type Host, isAddress } from '../../settings/access.ts';
import type { Clock } from '../../util/clock.ts';

/** All addresses of a name. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * The same server at each of its addresses; empty where it has one only, and where they are not known
 * within `boundMs`.
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
  // Not imported: hardly anybody needs it, and it would cost every start a little.
  const { lookup } = process.getBuiltinModule('node:dns/promises');
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
