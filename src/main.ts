/**
 * The program: reads the command line, creates the machine, observes it, and exits with its status.
 * It decides nothing.
 */
import './early-signals.ts';
import { readFileSync } from 'node:fs';
import { EXIT_FAILED } from '../machines/outcome.ts';
import { describeError } from './cli/describe-error.ts';
import { type LogSettings, parseCommandLine } from './cli/parse.ts';
import { printable } from './cli/printable.ts';
import { EXIT_USAGE, UsageError } from './cli/usage-error.ts';
import { systemClock } from './clock.ts';
import { reaperArgv } from './installation.ts';
import type { Begun } from './run.ts';
import type { LockexSettings } from './settings.ts';
import { version } from './version.ts';
import { AccessError, checkAccess } from './zookeeper/credentials.ts';

const LONGEST_VALUE = 300;

async function main(): Promise<void> {
  const parsed = parseCommandLine(process.argv.slice(2), process.env, readIfThere);
  if (parsed.kind === 'help') return print(parsed.text);
  if (parsed.kind === 'version') return print(version);
  if (parsed.kind === 'config') {
    const width = Math.max(...parsed.rows.map(({ name }) => name.length));
    const lines = parsed.rows.map(({ name, value, source }) => {
      return `${name.padEnd(width)}  ${printable(value, LONGEST_VALUE) || '-'}  (${source})`;
    });
    return print(lines.join('\n'));
  }
  checkAccess(parsed.settings);
  if (parsed.kind === 'status') {
    const { standardOutput, status } = await import('./status/main.ts');
    process.exit(await status(parsed.settings, systemClock, standardOutput()));
  }
  const begun = await begin(parsed.settings, parsed.log);
  try {
    // Loaded only now: --help and a usage error need neither the machine nor ZooKeeper.
    const { run } = await import('./run.ts');
    process.exit(await run(parsed.settings, parsed.observers, begun));
  } catch (error) {
    begun.supervisor.dispose();
    throw error;
  }
}

/**
 * Parks the command, as the machine would first thing: the kernel may take ten milliseconds for
 * that, in which the machine is loaded.
 */
async function begin(settings: LockexSettings, { format, level }: LogSettings): Promise<Begun> {
  const { superviseCommand } = await import('./supervision.ts');
  const { createLog } = await import('./cli/log.ts');
  const log = createLog({ format, level, lockId: settings.lockId, pid: process.pid });
  const reaper = reaperArgv();
  const supervisor = superviseCommand(settings, { log: log.write, clock: systemClock, reaper });
  supervisor.send({ type: 'command.park' });
  return { log, supervisor };
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function print(text: string): void {
  // `lockex --help | head -1`: who has read enough is no error.
  process.stdout.on('error', () => {});
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError || error instanceof AccessError;
  process.stderr.on('error', () => {});
  process.stderr.write(`lockex: ${isUsage ? error.message : describeError(error, 'info')}\n`);
  process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
});
