/** A private etcd, where Debian's packages are installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGuarded } from '../servers/guarded-process.ts';
import { freePorts } from '../servers/loopback.ts';

const PATIENCE_MS = 20_000;
const GRACE_MS = 5000;
const MAX_LIFE_S = 3600;

/** @returns null: not installed */
export async function startEtcd(): Promise<{ endpoint: string; stop: () => Promise<void> } | null> {
  const installed = ['etcd', 'etcdctl'].every((name) => !spawnSync(name, ['--version']).error);
  if (!installed) return null;
  const [client, peer] = await freePorts(2);
  const endpoint = `http://127.0.0.1:${client}`;
  const directory = mkdtempSync(join(tmpdir(), 'lockex-bench-etcd-'));
  const urls = ['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint];
  const peers = ['--listen-peer-urls', `http://127.0.0.1:${peer}`];
  const server = await startGuarded({
    command: ['etcd', '--data-dir', join(directory, 'data'), ...urls, ...peers],
    cwd: directory,
    logFile: join(directory, 'log'),
    maxLifeSeconds: MAX_LIFE_S,
  });
  const stop = async () => {
    await server.terminate(GRACE_MS);
    rmSync(directory, { recursive: true, force: true });
  };
  const until = performance.now() + PATIENCE_MS;
  while (
    spawnSync('etcdctl', ['--endpoints', endpoint, 'endpoint', 'health'], { env: api() }).status
  ) {
    if (performance.now() < until) continue;
    await stop();
    return null;
  }
  return { endpoint, stop };
}

export function api(): NodeJS.ProcessEnv {
  return { ...process.env, ETCDCTL_API: '3' };
}
