/** `PathUtils.validatePath`, and the parts of a path. */
import { Code, KeeperFault } from '../wire/codes.ts';

const RELATIVE = /\/\.\.?(\/|$)/;

/** @throws KeeperFault with `badArguments` */
export function validatePath(path: string): void {
  if (path === '/') return;
  const isValid =
    path.startsWith('/') &&
    !path.endsWith('/') &&
    !path.includes('//') &&
    !path.includes('\0') &&
    !RELATIVE.test(path) &&
    !hasInvalidCharacter(path);
  if (!isValid) throw new KeeperFault(Code.badArguments);
}

/**
 * '' for a node below the root, as `DataTree` has it. @throws KeeperFault for a path without a
 * slash
 */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash === -1 || path.includes('\0')) throw new KeeperFault(Code.badArguments);
  return path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Control characters, surrogates, private and special ones; UTF-16 units, as in Java. */
function hasInvalidCharacter(path: string): boolean {
  for (let at = 0; at < path.length; at += 1) {
    const unit = path.charCodeAt(at);
    if (unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f)) return true;
    if ((unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0) return true;
  }
  return false;
}
