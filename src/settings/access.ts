/**
 * How sessions reach ZooKeeper: servers, transport, identity, and the ACL of new nodes. Plain data
 * from the user; it contains the locations of secrets, but no secrets.
 */

export interface Host {
  readonly host: string;
  readonly port: number;
  /** The address to connect to, instead of resolving the name. */
  readonly address?: string;
}

const ADDRESS = /^[\d.]+$|:/;

/** True for an IP address, which needs no look-up. */
export function isAddress(host: string): boolean {
  return ADDRESS.test(host);
}

export interface Access {
  readonly hosts: readonly Host[];
  /** '' or `/a/b`: prefix of every path. */
  readonly chroot: string;
  /** null: no authentication. */
  readonly auth: AuthSource | null;
  /** null: plain text. */
  readonly tls: TlsFiles | null;
  /** ACL of every node that is created. */
  readonly acl: readonly AclEntry[];
}

/** Source of `user:password` for digest authentication; read again for each connection. */
export type AuthSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment' };

/** The environment variable with `user:password`. */
export const AUTH_VARIABLE = 'LOCKEX_AUTH';

/** Absolute paths of PEM files; read at each connection, so that a renewed certificate is used. */
export interface TlsFiles {
  readonly ca: string;
  /** lockex's own certificate, if the servers require one. */
  readonly own: { readonly cert: string; readonly key: string } | null;
}

/** `org.apache.zookeeper.data.ACL`. */
export interface AclEntry {
  readonly scheme: string;
  readonly id: string;
  /** Bits of `ZooDefs.Perms`: read 1, write 2, create 4, delete 8, admin 16. */
  readonly permissions: number;
}

const ALL_PERMISSIONS = 31;

/** All permissions for everyone: `ZooDefs.Ids.OPEN_ACL_UNSAFE`. */
export const OPEN_ACL: readonly AclEntry[] = [
  { scheme: 'world', id: 'anyone', permissions: ALL_PERMISSIONS },
];

/** All permissions for the authenticated creator only: `ZooDefs.Ids.CREATOR_ALL_ACL`. */
export const CREATOR_ACL: readonly AclEntry[] = [
  { scheme: 'auth', id: '', permissions: ALL_PERMISSIONS },
];

/** Plain text, no authentication, open nodes. */
export function openAccess(hosts: readonly Host[], chroot = ''): Access {
  return { hosts, chroot, auth: null, tls: null, acl: OPEN_ACL };
}

/** Picks the access out of larger settings. */
export function accessOf({ hosts, chroot, auth, tls, acl }: Access): Access {
  return { hosts, chroot, auth, tls, acl };
}

/** The environment for other programs. */
export function withoutSecrets(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { [AUTH_VARIABLE]: _, ...others } = env;
  return others;
}
