/**
 * Access control: `ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`, the digest scheme.
 */
import { createHash } from 'node:crypto';
import { Code, KeeperFault } from '../wire/codes.ts';
import type { Acl, Id } from '../wire/requests.ts';

/** @throws KeeperFault with `noAuth`. Nodes without a list are open, as `/` is. */
export function checkAcl(acl: readonly Acl[], permission: number, ids: readonly Id[]): void {
  if (!isAllowed(acl, permission, ids)) throw new KeeperFault(Code.noAuth);
}

export function isAllowed(acl: readonly Acl[], permission: number, ids: readonly Id[]): boolean {
  if (acl.length === 0 || ids.some(({ scheme }) => scheme === 'super')) return true;
  return acl.some(({ permissions, scheme, id }) => {
    if ((permissions & permission) === 0) return false;
    if (scheme === 'world') return id === 'anyone';
    return ids.some((own) => own.scheme === scheme && own.id === id);
  });
}

/** The list as it is stored: `auth` becomes the ids of the connection. @throws KeeperFault */
export function fixAcl(acl: readonly Acl[], ids: readonly Id[]): Acl[] {
  const fixed = withoutDuplicates(acl).flatMap((entry) => fixEntry(entry, ids));
  if (fixed.length === 0) throw new KeeperFault(Code.invalidAcl);
  return fixed;
}

function fixEntry(entry: Acl, ids: readonly Id[]): Acl[] {
  const { permissions, scheme, id } = entry;
  switch (scheme) {
    case 'world':
      if (id !== 'anyone') throw new KeeperFault(Code.invalidAcl);
      return [entry];
    case 'auth': {
      // `DigestAuthenticationProvider.isAuthenticated`; `IPAuthenticationProvider` says no.
      const own = ids.filter((each) => each.scheme === 'digest');
      if (own.length === 0) throw new KeeperFault(Code.invalidAcl);
      return own.map((each) => ({ permissions, ...each }));
    }
    case 'digest':
      if (!/^[^:]+:[^:]+$/.test(id)) throw new KeeperFault(Code.invalidAcl);
      return [entry];
    case 'ip':
      return [entry];
    default:
      throw new KeeperFault(Code.invalidAcl);
  }
}

function withoutDuplicates(acl: readonly Acl[]): Acl[] {
  const key = ({ permissions, scheme, id }: Acl) => `${permissions} ${scheme} ${id}`;
  return [...new Map(acl.map((entry) => [key(entry), entry])).values()];
}

/** `DigestAuthenticationProvider.generateDigest` of `user:password`. */
export function digestOf(userAndPassword: Buffer): string {
  const [user = ''] = userAndPassword.toString('utf8').split(':', 1);
  return `${user}:${createHash('sha1').update(userAndPassword).digest('base64')}`;
}
