/**
 * A mark that a daemon doesn't wash off: a soft limit on file locks (RLIMIT_LOCKS) with a value that
 * is nobody else's. Linux has not obeyed that limit since 2.4.25 (getrlimit(2)), so that it limits
 * nothing; it is inherited over fork, exec, setsid and a change of user, and anybody may read it in
 * /proc/PID/limits. redis and others overwrite their environment, but not this. Only where no cgroup
 * could be entered does the command get one.
 */
import { readFileSync } from 'node:fs';
import { randomHex } from '../random.ts';

/** From 2^46 to 2^47: no limit that a person would choose, and small enough for every shell. */
export function newBrand(): string {
  return String(2 ** 46 + (Number.parseInt(randomHex(6), 16) % 2 ** 46));
}

export function isBranded(pid: number, brand: string): boolean {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
    return /^Max file locks\s+(\d+)\s/m.exec(limits)?.[1] === brand;
  } catch {
    return false;
  }
}
