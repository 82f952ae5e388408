/**
 * The program: reads the command line, creates the machine, observes it, and exits with its status.
 * It decides nothing.
 */
import './early-signals.ts';
import { parseCommandLine } from './cli/parse.ts';
import { EXIT_USAGE, UsageError } from './cli/usage-error.ts';
import { version } from './version.ts';

async function main(): Promise<void> {
  const parsed = parseCommandLine(process.argv.slice(2), process.env);
  if (parsed.kind === 'help') return print(parsed.text);
  if (parsed.kind === 'version') return print(version);
  // Loaded only now: --help and a usage error need neither the machine nor the log.
  const { run } = await import('./run.ts');
  process.exit(await run(parsed.settings, parsed.log));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`lockex: ${error.message}\n`);
  process.exitCode = EXIT_USAGE;
}
