/**
 * How every session gets at ZooKeeper: which servers, over what, as whom, and who else may touch what
 * it makes. Plain data, said by the user; no secret is in it, only where secrets are.
 */

export interface Host {
  readonly host: string;
  readonly port: number;
  /** Where it is to be reached, if not where its name leads by itself. */
  readonly address?: string;
}

const ADDRESS = /^[\d.]+$|:/;

/** Whether it is an address: there is nothing to look up. */
export function isAddress(host: string): boolean {
  return ADDRESS.test(host);
}

export interface Access {
  readonly hosts: readonly Host[];
  /** '' or `/a/b`: put before every path. */
  readonly chroot: string;
  /** null: as nobody in particular. */
  readonly auth: AuthSource | null;
  /** null: in plain text. */
  readonly tls: TlsFiles | null;
  /** Of every node that is made. */
  readonly acl: readonly AclEntry[];
}

/** Where `user:password` for digest authentication is to be read, each time it is wanted. */
export type AuthSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment' };

/** The one that holds it, then. */
export const AUTH_VARIABLE = 'LOCKEX_AUTH';

/** Absolute paths of PEM files; read at each connection, so that a renewed certificate is taken. */
export interface TlsFiles {
  readonly ca: string;
  /** Of our own, where the servers want one. */
  readonly own: { readonly cert: string; readonly key: string } | null;
}

/** `org.apache.zookeeper.data.ACL`. */
export interface AclEntry {
  readonly scheme: string;
  readonly id: string;
  /** Bits of `ZooDefs.Perms`: read 1, write 2, create 4, delete 8, admin 16. */
  readonly permissions: number;
}

const EVERYTHING = 31;

/** Everybody may do everything: `ZooDefs.Ids.OPEN_ACL_UNSAFE`. */
export const OPEN_ACL: readonly AclEntry[] = [
  { scheme: 'world', id: 'anyone', permissions: EVERYTHING },
];

/** Who makes a node, as authenticated, and no one else: `ZooDefs.Ids.CREATOR_ALL_ACL`. */
export const CREATOR_ACL: readonly AclEntry[] = [
  { scheme: 'auth', id: '', permissions: EVERYTHING },
];

/** A plain connection, as nobody, to nodes that are open to all. */
export function openAccess(hosts: readonly Host[], chroot = ''): Access {
  return { hosts, chroot, auth: null, tls: null, acl: OPEN_ACL };
}

/** Out of settings that say more. */
export function accessOf({ hosts, chroot, auth, tls, acl }: Access): Access {
  return { hosts, chroot, auth, tls, acl };
}

/** For programs that are not lockex. */
export function withoutSecrets(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { [AUTH_VARIABLE]: _, ...others } = env;
  return others;
}
