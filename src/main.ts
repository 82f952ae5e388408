/**
 * The program: reads the command line, begins what a run needs in any case while the rest is loaded,
 * and exits with the status of the run (run.ts). It decides nothing.
 */
import './platform/early-signals.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { EXIT_FAILED } from '../machines/outcome.ts';
import { parseCommandLine, type RunRequest } from './cli/parse.ts';
import { EXIT_USAGE, quoted, UsageError } from './cli/usage-error.ts';
import { UnusableHostError } from './command/processes/process-view.ts';
import { describeError } from './log/describe-error.ts';
import { traceTo } from './observers/trace.ts';
import { reaperArgv } from './platform/installation.ts';
import { firstNonUtf8 } from './platform/non-utf8.ts';
import { closeLostTerminalsAtExit } from './platform/terminals.ts';
import type { Begun } from './run.ts';
import { processAgeMs, systemClock } from './util/clock.ts';
import { complain, standardOutput } from './util/output.ts';
import { printable } from './util/printable.ts';
import { readTrustedIfThere, TrustedFileError } from './util/trusted-file.ts';
import { version } from './util/version.ts';
import { AccessError, checkAccess } from './zookeeper/session/credentials.ts';

const MAX_VALUE_LENGTH = 300;
const MAX_MESSAGE_LENGTH = 2000;
const MAX_CONFIG_BYTES = 1024 * 1024;

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const mangled = firstNonUtf8(words, 'cmdline');
  if (mangled !== undefined) {
    throw new UsageError(`${quoted(mangled)} is not UTF-8, and can't be handed on as it was typed`);
  }
  const parsed = parseCommandLine(words, process.env, readIfThere);
  if (parsed.kind === 'help') return await print(parsed.text.split('\n'));
  if (parsed.kind === 'version') return await print([version]);
  if (parsed.kind === 'config') {
    const width = Math.max(...parsed.rows.map(({ name }) => name.length));
    const lines = parsed.rows.map(({ name, value, source }) => {
      return `${name.padEnd(width)}  ${printable(value, MAX_VALUE_LENGTH) || '-'}  (${source})`;
    });
    checkAccess(parsed.access);
    return await print(lines);
  }
  checkAccess(parsed.settings);
  if (parsed.kind === 'status') {
    const { status } = await import('./status/main.ts');
    process.exit(await status(parsed.settings, systemClock, standardOutput()));
  }
  const begun = await begin(parsed);
  // The handshake goes out before the machine is loaded, if a server is that near. (Twice: sockets
  // are looked at between two turns.)
  await turn();
  await turn();
  try {
    // Loaded only now: --help and a usage error need neither the machine nor ZooKeeper.
    const { run } = await import('./run.ts');
    process.exit(await run(parsed.settings, parsed.observers, begun));
  } catch (error) {
    begun.supervisor.dispose();
    begun.contention.dispose();
    throw error;
  }
}

/**
 * Does what the machine will want first, while the machine is being loaded: a session is asked for,
 * which takes the servers a commit, and the command is parked, which may take the kernel ten
 * milliseconds.
 */
async function begin({ settings, observers, log: { format, level } }: RunRequest): Promise<Begun> {
  const { createLog } = await import('./log/log.ts');
  const { createCommandActor } = await import('./actors/command.ts');
  const log = createLog({ format, level, lockId: settings.lockId, pid: process.pid });
  const traceFile = process.env['LOCKEX_TRACE'];
  const trace = traceFile ? traceTo(traceFile, systemClock, log.write) : null;
  const options = { log: log.write, clock: systemClock };
  const supervisor = createCommandActor(settings, { ...options, reaper: reaperArgv() });
  supervisor.send({ type: 'command.park' });

  const { Phases } = await import('./observers/timings.ts');
  const { ZookeeperActor } = await import('./actors/zookeeper.ts');
  const phases = new Phases(processAgeMs);
  const contention = new ZookeeperActor(settings, {
    ...options,
    onSessionToClose: (line) => supervisor.setSessionToClose(line),
    onConnected: () => phases.end('connect'),
  });
  // An inspector that can't be had ends lockex: a session would have to be taken back.
  if (observers.inspect === null) contention.connectAhead();
  return { log, supervisor, contention, phases, trace };
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
  const trouble = await output.flush();
  if (trouble === null) return;
  output.complain(`standard output can't be written: ${trouble}`);
  process.exitCode = EXIT_FAILED;
}

function fail(error: unknown): void {
  const isUsage = error instanceof UsageError || error instanceof AccessError;
  const isKnown = isUsage || error instanceof UnusableHostError;
  const { summary, details } = isKnown
    ? { summary: printable(error.message, MAX_MESSAGE_LENGTH), details: [] }
    : describeError(error, 'info');
  complain(summary, details);
  process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
}

closeLostTerminalsAtExit();
// Until there is a machine, which has handlers of its own (run.ts).
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => {
    fail(error);
    process.exit(EXIT_FAILED);
  });
}
main().catch(fail);
