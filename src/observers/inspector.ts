/** Starts the inspector, which is loaded only with `--inspect`. */
import { hostname } from 'node:os';
import { createLockexMachine } from '../../machines/lockex.ts';
import type { Inspector } from '../inspector/main.ts';
import type { Log } from '../log/log.ts';
import { inspectorPage } from '../platform/installation.ts';
import type { InspectSettings, LockexSettings } from '../settings/settings.ts';
import { systemClock as clock } from '../util/clock.ts';
import { version } from '../util/version.ts';

const LOOPBACK = /^(127\.|localhost$|::1$)/;

/** Returns null, after logging the reason, if it can't listen. */
export async function openInspector(
  inspect: InspectSettings,
  { access, lock, machine }: LockexSettings,
  log: Log,
): Promise<Inspector | null> {
  const { startInspector } = await import('../inspector/main.ts');
  try {
    const inspector = await startInspector({
      inspect,
      servers: { ...access, lockPath: lock.path, connectTries: machine.connectTries },
      head: {
        lockId: lock.id,
        lockPath: lock.path,
        leases: lock.concurrent,
        host: hostname(),
        ...{ pid: process.pid, version },
        limits: {
          waitMs: machine.waitMs,
          maxRuntimeMs: machine.maxRuntimeMs,
          killAfterMs: machine.killAfterMs,
        },
      },
      clock,
      definition: () => JSON.stringify(createLockexMachine().config),
      page: inspectorPage(),
    });
    log.write('info', `inspector: ${inspector.url}`, { url: inspector.url });
    if (!LOOPBACK.test(inspect.host)) {
      const warning = 'not a loopback address; the page and its token are sent unencrypted';
      log.write('warn', `--inspect ${inspect.host}: ${warning}`);
    }
    return inspector;
  } catch (error) {
    log.write('error', `--inspect: ${inspect.host}:${inspect.port}: ${listenProblem(error)}`);
    return null;
  }
}

/** The same text for errors that Node and Bun report differently. */
function listenProblem(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return LISTEN_PROBLEMS[code] ?? `${message} (${code})`;
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'not an address of this host',
  EACCES: 'permission denied',
  ENOTFOUND: 'no such host',
  // Bun's code for a name that it can't resolve.
  ENOTSUP: 'no such host',
};
