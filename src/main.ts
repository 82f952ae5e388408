/**
 * The program: reads the command line, starts the slow parts of a run while the rest is loaded, and
 * exits with the status of the run (run.ts).
 */
import './platform/early-signals.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { EXIT_FAILED } from '../machines/outcome.ts';
import { parseCommandLine } from './cli/parse.ts';
import { EXIT_USAGE, quoted, UsageError } from './cli/usage-error.ts';
import { UnusableHostError } from './command/processes/process-view.ts';
import { describeError } from './log/describe-error.ts';
import { traceTo } from './observers/trace.ts';
import { reaperArgv } from './platform/installation.ts';
import { firstNonUtf8 } from './platform/non-utf8.ts';
import { closeLostTerminalsAtExit } from './platform/terminals.ts';
import type { EarlyParts } from './run.ts';
import type { RunSettings } from './settings/settings.ts';
import { processAgeMs, systemClock } from './util/clock.ts';
import { printError, standardOutput } from './util/output.ts';
import { printable } from './util/printable.ts';
import { readTrustedIfThere, TrustedFileError } from './util/trusted-file.ts';
import { version } from './util/version.ts';
import { AccessError, checkAccess } from './zookeeper/session/credentials.ts';

const MAX_VALUE_LENGTH = 300;
const MAX_MESSAGE_LENGTH = 2000;
const MAX_CONFIG_BYTES = 1024 * 1024;

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const broken = firstNonUtf8(argv, 'cmdline');
  if (broken !== undefined) {
    throw new UsageError(`${quoted(broken)} is not valid UTF-8 and can't be passed on unchanged`);
  }
  const parsed = parseCommandLine(argv, process.env, readIfThere);
  switch (parsed.kind) {
    case 'help':
      return await print(parsed.text.split('\n'));
    case 'version':
      return await print([version]);
    case 'config':
      checkAccess(parsed.access);
      return await print(configLines(parsed.rows));
    case 'status': {
      checkAccess(parsed.settings);
      const { status } = await import('./status/main.ts');
      return process.exit(await status(parsed.settings, systemClock, standardOutput()));
    }
    case 'run':
      checkAccess(parsed.settings.access);
      return process.exit(await runEarly(parsed.settings));
  }
}

interface ConfigRow {
  readonly name: string;
  readonly value: string;
  readonly source: string;
}

function configLines(rows: readonly ConfigRow[]): string[] {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, value, source }) => {
    return `${name.padEnd(width)}  ${printable(value, MAX_VALUE_LENGTH) || '-'}  (${source})`;
  });
}

/** Starts the slow parts of a run, loads the rest, and runs. Resolves to the exit status. */
async function runEarly(settings: RunSettings): Promise<number> {
  const early = await startEarly(settings);
  // Lets a fast server accept the connection, so that the handshake is sent before the machine is
  // loaded. (Two turns: Node polls its sockets between turns.)
  await turn();
  await turn();
  try {
    // Loaded here: --help and a usage error need neither the machine nor ZooKeeper.
    const { run } = await import('./run.ts');
    return await run(settings, early);
  } catch (error) {
    early.commandActor.dispose();
    early.zookeeperActor.dispose();
    throw error;
  }
}

/**
 * Starts the slow parts while the machine is being loaded: a session, for which the servers commit
 * a transaction, and the parked command, which may take the kernel ten milliseconds.
 */
async function startEarly(settings: RunSettings): Promise<EarlyParts> {
  const { createLog } = await import('./log/log.ts');
  const { createCommandActor } = await import('./actors/command.ts');
  const { observers, lock } = settings;
  const log = createLog({ ...observers.log, lockId: lock.id, pid: process.pid });
  const traceFile = process.env['LOCKEX_TRACE'];
  const trace = traceFile ? traceTo(traceFile, systemClock, log.write) : null;
  const options = { log: log.write, clock: systemClock };
  const commandActor = createCommandActor(settings, { ...options, reaper: reaperArgv() });
  commandActor.send({ type: 'command.park' });

  const { Timings } = await import('./observers/timings.ts');
  const { ZookeeperActor } = await import('./actors/zookeeper.ts');
  const timings = new Timings(processAgeMs);
  const zookeeperActor = new ZookeeperActor(settings, {
    ...options,
    onSessionToClose: (line) => commandActor.setSessionToClose(line),
    onConnected: () => timings.end('connect'),
  });
  // If the inspector can't listen, lockex exits, and would have to close the session again.
  if (observers.inspect === null) zookeeperActor.connectAhead();
  return { log, commandActor, zookeeperActor, timings, trace };
}

function readIfThere(file: string): string | null {
  try {
    const bytes = readTrustedIfThere(file, { maxBytes: MAX_CONFIG_BYTES, readers: 'public' });
    return bytes?.toString('utf8') ?? null;
  } catch (error) {
    throw error instanceof TrustedFileError ? new UsageError(error.message) : error;
  }
}

async function print(lines: readonly string[]): Promise<void> {
  const output = standardOutput();
  output.print(lines);
  const problem = await output.flush();
  if (problem === null) return;
  output.printError(`cannot write to standard output: ${problem}`);
  process.exitCode = EXIT_FAILED;
}

function fail(error: unknown): void {
  const isUsage = error instanceof UsageError || error instanceof AccessError;
  const isKnown = isUsage || error instanceof UnusableHostError;
  const { summary, details } = isKnown
    ? { summary: printable(error.message, MAX_MESSAGE_LENGTH), details: [] }
    : describeError(error, 'info');
  printError(summary, details);
  process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
}

closeLostTerminalsAtExit();
// Until run.ts installs its own handlers.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => {
    fail(error);
    process.exit(EXIT_FAILED);
  });
}
main().catch(fail);
