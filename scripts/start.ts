/**
 * `npm start -- COMMAND…`: lockex on a fresh machine. Gets what is missing, starts a private
 * ZooKeeper unless $ZKHOSTS names one, runs the command under a lock, and cleans up.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runScript, say } from './lib/main.js';
import { withProgress } from './lib/progress.js';
import { ensureBuild, provision } from './servers/provision.ts';

const PROGRAM = fileURLToPath(new URL('../dist/lockex.js', import.meta.url));
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

await runScript(async () => {
  const words = process.argv.slice(2);
  if (words.length === 0) {
    say('usage: npm start -- COMMAND [ARGUMENT…], for example: npm start -- echo hello');
    return 2;
  }
  await ensureBuild();
  if (process.env['ZKHOSTS']) return await lockex(process.env['ZKHOSTS'], words);

  await provision(['zookeeper']);
  // Only now: what it imports may have been missing.
  const { startServer } = await import('./servers/zookeeper.ts');
  const server = await withProgress('starting a private ZooKeeper', () =>
    startServer({ tickTime: 2000 }),
  );
  try {
    return await lockex(server.connectString, words);
  } finally {
    await server.stop();
    say('the private ZooKeeper is gone, with its data');
  }
});

/** @returns its exit status */
async function lockex(hosts: string, words: string[]): Promise<number> {
  const shown = words.map((word) => (/^[\w./=:@%+-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  say(`$ lockex --zkhosts ${hosts} -- ${shown}`);
  const child = spawn(process.execPath, [PROGRAM, '--zkhosts', hosts, '--', ...words], {
    stdio: 'inherit',
  });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of PASSED_ON) process.on(signal, passOn);
  const [status, signal] = await once(child, 'exit');
  for (const name of PASSED_ON) process.off(name, passOn);
  return status ?? 128 + constants.signals[signal as NodeJS.Signals];
}
