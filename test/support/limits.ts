/**
 * Limits of resources for processes under test: control groups with a memory or pids controller, of
 * version 1 or 2 (cgroups(7)), and prlimit(1). Where a limit cannot be made, the reason is given,
 * so that the test can be skipped with it.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { onTestFinished } from 'vitest';
import { eventually } from './until.ts';

/** `any`: a cgroup v2, whatever its controllers. */
export type Controller = 'memory' | 'pids' | 'any';

const MEMORY_FILES = ['memory.max', 'memory.limit_in_bytes'];
const REMOVAL_MS = 30_000;

export class LimitedGroup {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Prefix of a command line that is executed within the group, under the same pid. */
  get entering(): readonly string[] {
    return ['/bin/sh', '-c', `echo $$ >${this.directory}/cgroup.procs && exec "$@"`, 'sh'];
  }

  enter(pid: number): void {
    writeFileSync(`${this.directory}/cgroup.procs`, String(pid));
  }

  /** Tasks: processes and their threads. What there is already stays. */
  limitProcesses(max: number | 'max'): void {
    writeFileSync(`${this.directory}/pids.max`, String(max));
  }

  /** Above it the kernel's OOM killer ends a process of the group. */
  limitMemory(bytes: number): void {
    const file = MEMORY_FILES.map((name) => `${this.directory}/${name}`).find(existsSync);
    if (file === undefined) throw new Error(`no memory controller in ${this.directory}`);
    writeFileSync(file, String(bytes));
  }

  /** SIGKILL to every process in it and below it, at once; of version 2 only. */
  killAll(): void {
    writeFileSync(`${this.directory}/cgroup.kill`, '1');
  }

  async remove(): Promise<void> {
    const isRemoved = () => {
      try {
        for (const directory of [...directoriesIn(this.directory), this.directory]) {
          for (const pid of pidsIn(directory)) process.kill(pid, 'SIGKILL');
          rmdirSync(directory);
        }
        return true;
      } catch {
        return !existsSync(this.directory);
      }
    };
    await eventually(isRemoved, REMOVAL_MS);
  }
}

/** A group that is removed, with all of its processes, when the test has finished. */
export function limitedGroup(controller: Controller): LimitedGroup | { readonly reason: string } {
  const parent = parentFor(controller);
  if (parent === null) return { reason: `no ${controller} controller of cgroups is available` };
  const directory = `${parent}/lockex-test-${randomUUID()}`;
  try {
    mkdirSync(directory);
  } catch (error) {
    return { reason: `cannot create a cgroup: ${(error as Error).message}` };
  }
  const group = new LimitedGroup(directory);
  onTestFinished(() => group.remove());
  return group;
}

/**
 * Sets limits of a running process: `{ nofile: '20:' }`, as prlimit(1) takes them. `through`: a
 * command line that executes it, as another user.
 */
export function limitProcess(
  pid: number,
  limits: Readonly<Record<string, string>>,
  through: readonly string[] = [],
): void {
  const options = Object.entries(limits).map(([name, value]) => `--${name}=${value}`);
  execFileSync('/usr/bin/env', [...through, 'prlimit', '--pid', String(pid), ...options]);
}

/**
 * Prefix of a command line: the process begins with more than a second of CPU time used (times(2)).
 */
export const USED_UP_A_SECOND = [
  ...['perl', '-e'],
  'while (1) { my ($user, $system) = times; last if $user + $system > 1.1 } exec @ARGV',
];

/** From now on each new descriptor fails with EMFILE, unless an open one is closed for it. */
export function leaveNoDescriptor(pid: number): void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (open.has(free)) free += 1;
  limitProcess(pid, { nofile: `${free}:` });
}

function parentFor(controller: Controller): string | null {
  const groups = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type = '', , options = ''] = after.split(' ');
    const mount = before.split(' ')[4] ?? '';
    if (type === 'cgroup' && options.split(',').includes(controller)) {
      const own = groups.find((group) => group.split(':')[1]?.split(',').includes(controller));
      return `${mount}${pathIn(own)}`;
    }
    if (type !== 'cgroup2') continue;
    const own = pathIn(groups.find((group) => group.startsWith('0::')));
    const found = controller === 'any' ? `${mount}${own}` : ancestorWith(controller, mount, own);
    if (found !== null) return found;
  }
  return null;
}

/** The nearest cgroup v2, from our own upwards, whose children have the controller. */
function ancestorWith(controller: Controller, mount: string, own: string): string | null {
  for (let path = own; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const file = `${mount}${path}/cgroup.subtree_control`;
    if (existsSync(file) && readFileSync(file, 'utf8').split(/\s/).includes(controller)) {
      return `${mount}${path}`;
    }
    if (path === '') return null;
  }
}

/** '' for the root. */
function pathIn(line: string | undefined): string {
  const path = line?.split(':')[2] ?? '';
  return path === '/' ? '' : path;
}

function directoriesIn(directory: string): string[] {
  const inner = readdirSync(directory, { withFileTypes: true }).filter((it) => it.isDirectory());
  const paths = inner.map(({ name }) => `${directory}/${name}`);
  return [...paths.flatMap(directoriesIn), ...paths];
}

function pidsIn(directory: string): number[] {
  const text = readFileSync(`${directory}/cgroup.procs`, 'utf8');
  return text.split('\n').filter(Boolean).map(Number);
}
