/**
 * The programs that are measured: lockex on Node and standalone, and its peers if they are
 * installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = ['node', join(ROOT, 'dist/lockex.js')];
const STANDALONE = [join(ROOT, 'dist/standalone/lockex')];

export interface Program {
  name: string;
  argv: (lock: string, command: string[]) => string[];
}

export function programs({
  hosts,
  etcd,
  directory,
}: {
  hosts: string;
  etcd: { endpoint: string } | null;
  directory: string;
}): { programs: Program[]; missing: string[] } {
  const missing = ['consul lock and the Python lockex (not in Debian)'];
  const lockex = (program: string[]) => {
    return (lock: string, command: string[]) => {
      return [...program, '-z', hosts, '-i', lock, '--', ...command];
    };
  };
  const list: Program[] = [{ name: 'lockex on Node', argv: lockex(NODE) }];
  if (existsSync(STANDALONE[0] ?? '')) {
    list.push({ name: 'lockex, standalone', argv: lockex(STANDALONE) });
  } else missing.push('the standalone lockex (npm run build:standalone)');
  if (etcd) {
    list.push({
      name: 'etcdctl lock',
      argv: (lock, command) => {
        return ['etcdctl', '--endpoints', etcd.endpoint, 'lock', lock, '--', ...command];
      },
    });
  } else missing.push('etcdctl lock (etcd-server and etcd-client are not installed)');
  const python = ['/usr/bin/python3', fileURLToPath(new URL('kazoo_lock.py', import.meta.url))];
  if (spawnSync('/usr/bin/python3', ['-c', 'import kazoo']).status === 0) {
    list.push({
      name: 'a kazoo Lock, in Python',
      argv: (lock, command) => [...python, hosts, `/lockex/${lock}`, ...command],
    });
  } else missing.push('kazoo (python3-kazoo is not installed)');
  if (spawnSync('flock', ['--version']).status === 0) {
    list.push({
      name: 'flock, on this host only',
      argv: (lock, command) => ['flock', join(directory, lock), ...command],
    });
  } else missing.push('flock');
  return { programs: list, missing };
}
