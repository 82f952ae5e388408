/**
 * The program: reads the command line, creates the machine, observes it, and exits with its status.
 * It decides nothing.
 */
import './early-signals.ts';
import { EXIT_FAILED } from '../machines/outcome.ts';
import { describeError } from './cli/describe-error.ts';
import { parseCommandLine } from './cli/parse.ts';
import { EXIT_USAGE, UsageError } from './cli/usage-error.ts';
import { systemClock } from './clock.ts';
import { version } from './version.ts';

async function main(): Promise<void> {
  const parsed = parseCommandLine(process.argv.slice(2), process.env);
  if (parsed.kind === 'help') return print(parsed.text);
  if (parsed.kind === 'version') return print(version);
  if (parsed.kind === 'status') {
    const { standardOutput, status } = await import('./status/main.ts');
    process.exit(await status(parsed.settings, systemClock, standardOutput()));
  }
  // Loaded only now: --help and a usage error need neither the machine nor the log.
  const { run } = await import('./run.ts');
  process.exit(await run(parsed.settings, parsed.log, parsed.observers));
}

function print(text: string): void {
  // `lockex --help | head -1`: who has read enough is no error.
  process.stdout.on('error', () => {});
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  process.stderr.on('error', () => {});
  process.stderr.write(`lockex: ${isUsage ? error.message : describeError(error, 'info')}\n`);
  process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
});
