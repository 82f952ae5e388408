/**
 * cgroup v2 directories: finds where one can be made, makes it, reads and removes it (kernel's
 * Documentation/admin-guide/cgroup-v2.rst). Never enables a controller, so that a directory below a
 * cgroup with processes in it is allowed, and never moves anybody: the gate enters by itself.
 *
 * The directory is made below our own cgroup: limits set on us go on holding for the command, and where
 * the command is a lockex as well, its directory is inside ours and ends with it.
 */
import { closeSync, mkdirSync, openSync, rmdirSync, statSync, write as writeSoon } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readProcess } from './process-table.ts';
import {
  isThere,
  known,
  type Look,
  type Reading,
  readCgroups,
  readText,
  unknown,
  valueOr,
  writeText,
} from './reading.ts';

const PREFIX = 'lockex-';
/** A directory that is younger may be one that its owner has not entered yet. */
const STALE_MS = 60_000;

let made = 0;

/** Makes a directory; null, with a reason, where that can't be done. */
export function makeCgroup(): { readonly directory: string } | { readonly reason: string } {
  const parent = ownFolder();
  if (parent === null) return { reason: 'there is no cgroup v2 here' };
  const start = valueOr(readProcess(process.pid), null)?.start ?? 0;
  made += 1;
  const directory = join(parent, `${PREFIX}${process.pid}-${start}-${made}`);
  try {
    mkdirSync(directory);
  } catch (error) {
    return { reason: `no cgroup can be made: ${(error as Error).message}` };
  }
  // A mount over the hierarchy hides it, and mountinfo goes on listing it (proc(5)). The kernel
  // creates the files of a cgroup together with its directory (kernel/cgroup/cgroup.c, cgroup_mkdir).
  if (!valueOr(isThere(join(directory, 'cgroup.procs')), false)) {
    removeCgroup(directory);
    return { reason: `no cgroup can be made: ${parent} is not in a cgroup v2 hierarchy` };
  }
  hastenEntry(parent);
  return { directory };
}

/**
 * Whoever enters a cgroup waits until every CPU has come by (some ten milliseconds), unless somebody
 * did so just before: the kernel then still expects more of it (kernel/rcu/sync.c). So we enter our
 * own cgroup, where we are, while the gate that will enter its own is still being made. In another
 * thread, which waits instead of us. By `cgroup.threads`, since that moves nobody: a process that
 * was put elsewhere meanwhile is refused.
 */
export function hastenEntry(own: string, done: (error: Error | null) => void = () => {}): void {
  try {
    const file = openSync(join(own, 'cgroup.threads'), 'r+');
    writeSoon(file, `${process.pid}`, (error) => {
      closeSync(file);
      done(error);
    });
  } catch (error) {
    // No rights to: then the gate waits.
    done(error as Error);
  }
}

/** Whether any process lives in it or below it; a directory that is gone holds none. */
export function isPopulated(directory: string): Reading<boolean> {
  const path = join(directory, 'cgroup.events');
  const events = readText(path);
  if (!events.known) return events;
  if (events.value === null) return known(false);
  const populated = /^populated ([01])$/m.exec(events.value)?.[1];
  return populated === undefined ? unknown(`cannot parse ${path}`) : known(populated === '1');
}

/** Pids in it and below it. One that our pid namespace can't see reads as 0 and is left out. */
export function membersOf(directory: string): Look<readonly number[]> {
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
 * Whether a process is in another cgroup, for certain. One that is ending is in the list of no cgroup
 * any more, but keeps its own (Documentation/admin-guide/cgroup-v2.rst, "Processes").
 */
export function isOutside(pid: number, directory: string): boolean {
  const text = valueOr(readText(`/proc/${pid}/cgroup`), null);
  const own = /^0::(.*)$/m.exec(text ?? '')?.[1];
  return own !== undefined && !own.split('/').includes(basename(directory));
}

/** Whether the kernel can kill all of it at once, whosever it is (Linux 5.14 or later). */
export function canKillCgroup(directory: string): boolean {
  return valueOr(isThere(join(directory, 'cgroup.kill')), false);
}

/** SIGKILL to all of it at once; false where the kernel can't (before 5.14). */
export function killCgroup(directory: string): boolean {
  return writeText(join(directory, 'cgroup.kill'), '1');
}

export function freezeCgroup(directory: string, frozen: boolean): void {
  writeText(join(directory, 'cgroup.freeze'), frozen ? '1' : '0');
}

/** False while something lives in it. */
export function removeCgroup(directory: string): boolean {
  for (const inner of foldersIn(directory)) removeCgroup(inner);
  try {
    rmdirSync(directory);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  return true;
}

/** Where the cgroup v2 hierarchy shows our own cgroup: proc(5), mountinfo and cgroup. */
function ownFolder(): string | null {
  const own = /^0::(\/.*)$/m.exec(valueOr(readText('/proc/self/cgroup'), null) ?? '')?.[1];
  if (own === undefined || own.startsWith('/..')) return null;
  for (const line of (valueOr(readText('/proc/self/mountinfo'), null) ?? '').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    if (!after.startsWith('cgroup2 ')) continue;
    const [, , , root = '/', mount = ''] = before.split(' ');
    // Part of the hierarchy may be mounted: then only what is below that part can be seen.
    const shown = root === '/' ? '' : root;
    if (own === shown || own.startsWith(`${shown}/`)) {
      return join(unescapeMount(mount), own.slice(shown.length));
    }
  }
  return null;
}

/** Removes empty directories beside this one of a lockex that is dead, whose guard could not do it. */
export function sweepBeside(own: string): void {
  for (const directory of foldersIn(dirname(own))) {
    const [, pid, start] = /lockex-(\d+)-(\d+)-\d+$/.exec(directory) ?? [];
    if (pid === undefined) continue;
    const owner = readProcess(Number(pid));
    if (!owner.known || owner.value?.start === Number(start)) continue;
    if (ageMs(directory) > STALE_MS && !valueOr(isPopulated(directory), true))
      removeCgroup(directory);
  }
}

/** By the wall clock, which stamps the directories; all that hangs on it is when rubbish is removed. */
function ageMs(directory: string): number {
  try {
    return Date.now() - statSync(directory).mtimeMs;
  } catch {
    return 0;
  }
}

function foldersIn(directory: string): readonly string[] {
  return valueOr(readCgroups(directory), null) ?? [];
}

/** mountinfo writes blanks as \040 and the like. */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
