/**
 * Checks that /proc shows the processes of lockex's own pid namespace, and a clock that lockex and
 * the guard share. Called once, before any process is started.
 *
 * A mount of procfs belongs to one pid namespace (pid_namespaces(7), "/proc and PID namespaces").
 * In another namespace, lockex's pids belong to other processes, or to none: every process would
 * seem to be dead, or alive.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export type ProcessView =
  | { readonly kind: 'usable' }
  /** Not Linux: the command is found by its process group only. */
  | { readonly kind: 'groupsOnly' }
  /** Nothing may be started. `message`: the reason, and a remedy. */
  | { readonly kind: 'unusable'; readonly message: string };

/** Facts about /proc; null: could not be read. */
export interface ProcessFacts {
  readonly platform: string;
  readonly pid: number;
  /** Target of /proc/self: this process's pid in the namespace of the mount (proc(5)). */
  readonly self: string | null;
  /** NSpid of /proc/self/status: the pid in that namespace and each below it, to lockex's own. */
  readonly namespacePids: readonly number[] | null;
  readonly hasUptime: boolean;
  /** It lists processes, of any user. */
  readonly hasProcesses: boolean;
  /** The error of a read that failed for lack of resources (EMFILE); null: none failed. */
  readonly shortage: string | null;
}

/** A host on which lockex cannot guarantee that the command is stopped in time. */
export class UnusableHostError extends Error {
  override readonly name = 'UnusableHostError';
}

/** @throws UnusableHostError if nothing may be started */
export function checkProcessView(): void {
  const view = processViewOf(readFacts());
  if (view.kind === 'unusable') throw new UnusableHostError(view.message);
}

export function processViewOf(facts: ProcessFacts): ProcessView {
  const { platform, pid, self, namespacePids, hasUptime, hasProcesses, shortage } = facts;
  if (platform !== 'linux') return { kind: 'groupsOnly' };
  if (shortage !== null) {
    return unusable(`/proc cannot be read (${shortage})`, 'raise the limit (ulimit, cgroup)');
  }
  if (self === null && !hasProcesses) {
    return unusable('/proc is not mounted', 'mount it (mount -t proc proc /proc)');
  }
  const isOwn = self === String(pid) && (namespacePids?.length ?? 1) === 1;
  if (!isOwn) {
    const found = self === null ? 'it does not list this process' : `this process is ${self} there`;
    return unusable(
      `/proc belongs to another pid namespace (${found}, and ${pid} here)`,
      'mount the one of this namespace (unshare --mount-proc does)',
    );
  }
  // With the mount option subset=pid, /proc contains only processes.
  if (!hasUptime) return unusable('/proc/uptime cannot be read', 'mount /proc without subset=pid');
  return { kind: 'usable' };
}

function unusable(what: string, remedy: string): ProcessView {
  const why = 'the processes of the command could not be found and stopped';
  return { kind: 'unusable', message: `${what}: ${why}; ${remedy}` };
}

/** open(2): no descriptor or memory is left. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

function readFacts(): ProcessFacts {
  let shortage: string | null = null;
  const attempt = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (SHORTAGES.has(code)) shortage = code;
      return null;
    }
  };
  const status = attempt(() => readFileSync('/proc/self/status', 'latin1'));
  const pids = /^NSpid:\s*(.*)$/m.exec(status ?? '')?.[1];
  const facts = {
    platform: process.platform,
    pid: process.pid,
    self: attempt(() => readlinkSync('/proc/self')),
    // Missing before Linux 4.1, and in gVisor.
    namespacePids: pids === undefined ? null : pids.trim().split(/\s+/).map(Number),
    hasUptime: attempt(() => readFileSync('/proc/uptime', 'latin1')) !== null,
    hasProcesses: (attempt(() => readdirSync('/proc')) ?? []).some((name) => /^\d+$/.test(name)),
  };
  return { ...facts, shortage };
}
