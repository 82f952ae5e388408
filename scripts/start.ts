/**
 * `npm start -- COMMAND…`: lockex on a fresh machine. Installs and builds missing parts, starts a
 * private ZooKeeper unless $ZKHOSTS names one, runs the command under a lock, and cleans up.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runScript, say } from './lib/main.js';
import { withProgress } from './lib/progress.js';
import { ensureBuild, provision } from './servers/provision.ts';
import { startServer } from './servers/zookeeper.ts';

const PROGRAM = fileURLToPath(new URL('../dist/lockex.js', import.meta.url));
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

await runScript(async () => {
  const command = process.argv.slice(2);
  if (command.length === 0) {
    say('usage: npm start -- COMMAND [ARGUMENT…], for example: npm start -- echo hello');
    return 2;
  }
  await ensureBuild();
  if (process.env['ZKHOSTS']) return await lockex(process.env['ZKHOSTS'], command);

  await provision(['zookeeper']);
  const server = await withProgress('starting a private ZooKeeper', () =>
    startServer({ tickTime: 2000 }),
  );
  try {
    return await lockex(server.connectString, command);
  } finally {
    await server.stop();
    say('removed the private ZooKeeper and its data');
  }
});

/** @returns its exit status */
async function lockex(hosts: string, command: string[]): Promise<number> {
  const shown = command
    .map((word) => (/^[\w./=:@%+-]+$/.test(word) ? word : `'${word}'`))
    .join(' ');
  say(`$ lockex --zkhosts ${hosts} -- ${shown}`);
  const child = spawn(process.execPath, [PROGRAM, '--zkhosts', hosts, '--', ...command], {
    stdio: 'inherit',
  });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
  const [status, signal] = await once(child, 'exit');
  for (const name of FORWARDED_SIGNALS) process.off(name, forward);
  return status ?? 128 + constants.signals[signal as NodeJS.Signals];
}
