/**
 * cgroup v2 directories: creates, reads and removes them (kernel's
 * Documentation/admin-guide/cgroup-v2.rst). Never enables a controller, so that a child of a cgroup
 * with processes is allowed, and never moves a process: the gate enters by itself.
 *
 * The command's cgroup is a child of lockex's own cgroup. So limits of lockex also apply to the
 * command, and a lockex that is itself the command of another is killed together with its cgroups.
 */
import { closeSync, mkdirSync, openSync, rmdirSync, statSync, write as writeSoon } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readProcess } from './process-table.ts';
import {
  isThere,
  known,
  type Reading,
  readCgroups,
  readText,
  type Scan,
  unknown,
  valueOr,
  writeText,
} from './reading.ts';

const PREFIX = 'lockex-';
/** A younger cgroup may be empty because no process has entered it yet. */
const STALE_MS = 60_000;

let made = 0;

/** Creates a cgroup, or returns the reason why it cannot. */
export function makeCgroup(): { readonly directory: string } | { readonly reason: string } {
  const parent = ownCgroup();
  if (parent === null) return { reason: 'this host has no cgroup v2' };
  const start = valueOr(readProcess(process.pid), null)?.start ?? 0;
  made += 1;
  const directory = join(parent, `${PREFIX}${process.pid}-${start}-${made}`);
  try {
    mkdirSync(directory);
  } catch (error) {
    return { reason: `cannot create a cgroup: ${(error as Error).message}` };
  }
  // A mount over the hierarchy hides it, and mountinfo still lists it (proc(5)). The kernel creates
  // the files of a cgroup together with its directory (kernel/cgroup/cgroup.c, cgroup_mkdir).
  if (!valueOr(isThere(join(directory, 'cgroup.procs')), false)) {
    removeCgroup(directory);
    return { reason: `cannot create a cgroup: ${parent} is not in a cgroup v2 hierarchy` };
  }
  warmUpEntry(parent);
  return { directory };
}

/**
 * Entering a cgroup takes an RCU grace period (about ten milliseconds), unless another entry has
 * just taken one (kernel/rcu/sync.c). So lockex enters its own cgroup again while the gate is being
 * started, in a thread of Node's pool. It uses `cgroup.threads`, which moves no process: the kernel
 * refuses the write if lockex has been moved to another cgroup.
 */
export function warmUpEntry(own: string, done: (error: Error | null) => void = () => {}): void {
  try {
    const file = openSync(join(own, 'cgroup.threads'), 'r+');
    writeSoon(file, `${process.pid}`, (error) => {
      closeSync(file);
      done(error);
    });
  } catch (error) {
    // No permission: the gate waits.
    done(error as Error);
  }
}

/** True if a process is in it or below it. A cgroup that was removed is empty. */
export function isPopulated(directory: string): Reading<boolean> {
  const path = join(directory, 'cgroup.events');
  const events = readText(path);
  if (!events.known) return events;
  if (events.value === null) return known(false);
  const populated = /^populated ([01])$/m.exec(events.value)?.[1];
  return populated === undefined ? unknown(`cannot parse ${path}`) : known(populated === '1');
}

/** Pids in it and below it, without processes of other pid namespaces, which read as 0. */
export function membersOf(directory: string): Scan<readonly number[]> {
  const procs = readText(join(directory, 'cgroup.procs'));
  const directories = readCgroups(directory);
  const inner = (valueOr(directories, null) ?? []).map(membersOf);
  const own = (valueOr(procs, null) ?? '').split('\n').map(Number);
  const gaps = [...[procs, directories].map((it) => (it.known ? null : it.reason))];
  return {
    found: [...own.filter((pid) => pid > 0), ...inner.flatMap(({ found }) => found)],
    gap: [...gaps, ...inner.map(({ gap }) => gap)].find((gap) => gap !== null) ?? null,
  };
}

/**
 * True if a process is certainly in another cgroup. A process that is exiting is missing from
 * cgroup.procs, but keeps its cgroup (Documentation/admin-guide/cgroup-v2.rst, "Processes").
 */
export function isOutside(pid: number, directory: string): boolean {
  const text = valueOr(readText(`/proc/${pid}/cgroup`), null);
  const own = /^0::(.*)$/m.exec(text ?? '')?.[1];
  return own !== undefined && !own.split('/').includes(basename(directory));
}

/** True if the kernel can kill the whole cgroup, processes of other users included (Linux 5.14). */
export function canKillCgroup(directory: string): boolean {
  return valueOr(isThere(join(directory, 'cgroup.kill')), false);
}

/** Sends SIGKILL to the whole cgroup; false if the kernel cannot do that (before 5.14). */
export function killCgroup(directory: string): boolean {
  return writeText(join(directory, 'cgroup.kill'), '1');
}

export function freezeCgroup(directory: string, frozen: boolean): void {
  writeText(join(directory, 'cgroup.freeze'), frozen ? '1' : '0');
}

/** False while a process is in it. */
export function removeCgroup(directory: string): boolean {
  for (const inner of childrenOf(directory)) removeCgroup(inner);
  try {
    rmdirSync(directory);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  return true;
}

/** Path of this process's own cgroup; null without cgroup v2: proc(5), mountinfo and cgroup. */
function ownCgroup(): string | null {
  const own = /^0::(\/.*)$/m.exec(valueOr(readText('/proc/self/cgroup'), null) ?? '')?.[1];
  if (own === undefined || own.startsWith('/..')) return null;
  for (const line of (valueOr(readText('/proc/self/mountinfo'), null) ?? '').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    if (!after.startsWith('cgroup2 ')) continue;
    const [, , , root = '/', mount = ''] = before.split(' ');
    // If only a part of the hierarchy is mounted, only cgroups below that part can be seen.
    const shown = root === '/' ? '' : root;
    if (own === shown || own.startsWith(`${shown}/`)) {
      return join(unescapeMount(mount), own.slice(shown.length));
    }
  }
  return null;
}

/**
 * Removes empty siblings of this cgroup whose lockex is dead, and whose guard did not remove them.
 */
export function removeStaleCgroups(own: string): void {
  for (const directory of childrenOf(dirname(own))) {
    const [, pid, start] = /lockex-(\d+)-(\d+)-\d+$/.exec(directory) ?? [];
    if (pid === undefined) continue;
    const owner = readProcess(Number(pid));
    if (!owner.known || owner.value?.start === Number(start)) continue;
    const isStale = ageMs(directory) > STALE_MS && !valueOr(isPopulated(directory), true);
    if (isStale) removeCgroup(directory);
  }
}

/** By the wall clock, like the directory's time stamp. Used only to remove stale cgroups. */
function ageMs(directory: string): number {
  try {
    return Date.now() - statSync(directory).mtimeMs;
  } catch {
    return 0;
  }
}

function childrenOf(directory: string): readonly string[] {
  return valueOr(readCgroups(directory), null) ?? [];
}

/** mountinfo writes a space as \040, for example. */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
