/**
 * `npm run demo`: two contenders for one lock. The holder is killed, the standby takes over, and a
 * timeline shows what happens.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runScript, say } from './lib/main.js';
import { withProgress } from './lib/progress.js';
import { ensureBuild, provision } from './servers/provision.ts';
import { startServer } from './servers/zookeeper.ts';

const PROGRAM = fileURLToPath(new URL('../dist/lockex.js', import.meta.url));
const SESSION_TIMEOUT_S = 30;
/** A service that prints its pid once a second. */
const SERVICE = 'while :; do echo "serving (pid $$)"; sleep 1; done';
const PATIENCE_MS = 60_000;

let begunAt: number;

await runScript(async () => {
  await ensureBuild();
  await provision(['zookeeper']);
  const server = await withProgress('starting a private ZooKeeper', () =>
    startServer({ tickTime: 2000 }),
  );
  begunAt = performance.now();
  const started: ReturnType<typeof contender>[] = [];
  try {
    say(`\nTwo hosts run the same: lockex -i demo -T ${SESSION_TIMEOUT_S} -- '${SERVICE}'\n`);
    const a = contender('host A', server.connectString);
    const b = contender('host B', server.connectString);
    started.push(a, b);
    const { holder, standby } = await Promise.race([
      a.printed.then(() => ({ holder: a, standby: b })),
      b.printed.then(() => ({ holder: b, standby: a })),
    ]);
    await within(standby.queued, `${standby.name} did not join the queue`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    show('', `SIGKILL to ${holder.name}'s lockex, which can't clean up any more`);
    const killedAt = performance.now();
    holder.child.kill('SIGKILL');
    await within(standby.printed, `${standby.name} did not take over`);
    const took = (performance.now() - killedAt) / 1000;
    show('', `${standby.name} took over after ${took.toFixed(2)} s`);
    say(
      `\nThe session timeout is ${SESSION_TIMEOUT_S} s, but the standby did not wait for it:\n` +
        'the guard killed the command when lockex was gone, and then closed the session.\n',
    );
    standby.child.kill('SIGTERM');
    await standby.ended;
    return 0;
  } finally {
    for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
    await server.stop();
  }
});

function contender(name: string, hosts: string) {
  const options = ['-z', hosts, '-i', 'demo', '-T', String(SESSION_TIMEOUT_S)];
  const child = spawn(
    process.execPath,
    [PROGRAM, ...options, '--log-format', 'json', '--', SERVICE],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let isQueued: () => void = (): void => {};
  const queued = new Promise((resolve) => {
    isQueued = () => resolve(undefined);
  });
  createInterface(child.stderr).on('line', (line) => {
    const { message, queue } = JSON.parse(line);
    show(name, message);
    if (queue) isQueued();
  });
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => show(name, `  output of the service: ${line}`));
  return { name, child, queued, printed: once(lines, 'line'), ended: once(child, 'exit') };
}

function show(name: string, text: string) {
  const at = ((performance.now() - begunAt) / 1000).toFixed(2).padStart(6);
  process.stdout.write(`${at} s  ${name.padEnd(7)} ${name === 'host B' ? '    ' : ''}${text}\n`);
}

async function within<T>(wanted: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), PATIENCE_MS);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}
