/** Shared by the tests of escapes from the command's scope. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity, SupervisorOptions } from '../../../../src/command/options.ts';
import { isStill } from '../../../support/process-list.ts';
import { type Holder, onCleanUp, temporaryDirectory } from '../harness.ts';

export const isRoot = process.getuid?.() === 0;
/** Debian's `nobody`: sudo and su need an existing user. */
export const NOBODY = 65_534;
export const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

/** A directory that the command of any user may write to. */
export function openDirectory(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o777);
  return directory;
}

/** Kills, after the test, a process that lockex must leave alone. */
export function killLater(identity: Identity): void {
  onCleanUp(() => {
    if (!isStill(identity)) return;
    try {
      process.kill(identity.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  });
}

export function rootOfCgroups(): string {
  const args = ['-n', '-o', 'TARGET', '-t', 'cgroup2'];
  const [root = ''] = execFileSync('findmnt', args, { encoding: 'utf8' }).split('\n');
  return root;
}

/**
 * Removes it with its empty children, which a killed holder leaves; false while a process is in it.
 */
export function isRemoved(cgroup: string): boolean {
  try {
    for (const entry of readdirSync(cgroup, { withFileTypes: true })) {
      if (entry.isDirectory()) rmdirSync(join(cgroup, entry.name));
    }
    rmdirSync(cgroup);
    return true;
  } catch {
    return false;
  }
}

export function logsOf(holder: Holder): readonly string[] {
  return holder.events.all.flatMap((event) => {
    const { type, message } = event as { type: string; message?: string };
    return type === 'log' && message !== undefined ? [message] : [];
  });
}

/** The command's init: the interpreter of this host, or none. */
export const INITS: readonly [string, Pick<SupervisorOptions, 'initRuntimes'>][] = [
  ['an init', {}],
  ['no init', { initRuntimes: [] }],
];
