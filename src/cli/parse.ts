/** argv and environment → what is to be done, or a UsageError. Does nothing itself. */
import { cac } from 'cac';
import type { CommandLine, LockexSettings } from '../settings.ts';
import { helpText } from './help.ts';
import { lockIdOf } from './lock-id.ts';
import { labelOf, type OptionName, type OptionSpec, SPECS } from './options.ts';
import { type GivenOption, splitCommandLine } from './split.ts';
import { UsageError } from './usage-error.ts';
import {
  ANY_COUNT,
  lockId,
  lockPath,
  oneOf,
  seconds,
  wholeNumber,
  zookeeperHosts,
} from './values.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;

export interface LogSettings {
  readonly format: (typeof LOG_FORMATS)[number];
  readonly level: (typeof LOG_LEVELS)[number];
}

export type ParsedCommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly settings: LockexSettings; readonly log: LogSettings };

/** A session timeout below this is no use: a server's smallest is two ticks. */
const LEAST_TIMEOUT_MS = 100;

export function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedCommandLine {
  const { options, command } = splitCommandLine(argv);
  const given = new Given(options);
  if (given.isOn('help')) return { kind: 'help', text: helpText() };
  if (given.isOn('version')) return { kind: 'version' };
  const run = commandLineOf(command, given.isOn('shell'));
  return { kind: 'run', log: logSettings(given), settings: settingsOf(given, run, env) };
}

/** The options as cac reads them: the last one of a name wins. */
class Given {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #names: ReadonlySet<string>;

  constructor(options: readonly GivenOption[]) {
    const cli = cac('lockex');
    for (const spec of SPECS) cli.option(declaration(spec), spec.help);
    // cac makes numbers of what looks like one; behind a colon nothing does.
    const words = options.map(({ spec, text }) => `--${spec.name}=:${text}`);
    this.#values = cli.parse(['node', 'lockex', ...words], { run: false }).options;
    this.#names = new Set(options.map(({ spec }) => spec.name));
  }

  has(name: OptionName): boolean {
    return this.#names.has(name);
  }

  isOn(name: OptionName): boolean {
    return this.has(name) && this.#typed(name) === 'on';
  }

  isOff(name: OptionName): boolean {
    return this.has(name) && this.#typed(name) === 'off';
  }

  /** What was typed, or the default. */
  text(name: OptionName): string {
    return this.has(name) ? this.#typed(name) : (specOf(name).default ?? '');
  }

  #typed(name: OptionName): string {
    const value = this.#values[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    return String(last).slice(1);
  }
}

/** Every option is declared to cac with a value: flags have 'on' or 'off' by now. */
function declaration({ name, letter }: OptionSpec): string {
  return letter === undefined ? `--${name} <value>` : `-${letter}, --${name} <value>`;
}

function commandLineOf(words: readonly string[], shell: boolean): CommandLine {
  const [first, ...others] = words;
  if (first === undefined) {
    throw new UsageError("no command: lockex OPTIONS -- COMMAND [ARGUMENT…] (see 'lockex --help')");
  }
  if (shell || others.length === 0) {
    const line = words.join(' ');
    if (line.trim() === '') throw new UsageError('the command is empty');
    return { kind: 'shell', line };
  }
  if (first === '') throw new UsageError('the command is empty');
  return { kind: 'program', argv: [first, ...others] };
}

function settingsOf(
  given: Given,
  command: CommandLine,
  env: Readonly<Record<string, string | undefined>>,
): LockexSettings {
  const label = (name: OptionName) => labelOf(specOf(name));
  const count = (name: OptionName) => wholeNumber(label(name), given.text(name), 1, ANY_COUNT);
  const duration = (name: OptionName, leastMs: number) =>
    seconds(label(name), given.text(name), leastMs);
  return {
    command,
    lockId: given.has('lockid') ? lockId(label('lockid'), given.text('lockid')) : lockIdOf(command),
    lockPath: lockPath(label('lockpath'), given.text('lockpath')),
    ...hostsOf(given, env),
    concurrent: count('concurrent'),
    connectTries: count('retry'),
    timeoutMs: duration('timeout', LEAST_TIMEOUT_MS),
    lockTries: count('lockretry'),
    waitMs: waitOf(given),
    killAfterMs: duration('kill-after', 0),
    conflictExitCode: wholeNumber(
      label('conflict-exit-code'),
      given.text('conflict-exit-code'),
      0,
      255,
    ),
    onLost: oneOf(label('on-lost'), given.text('on-lost'), ['exit', 'rejoin']),
    guard: !given.isOff('guard'),
  };
}

function hostsOf(given: Given, env: Readonly<Record<string, string | undefined>>) {
  if (given.has('zkhosts')) {
    return zookeeperHosts(labelOf(specOf('zkhosts')), given.text('zkhosts'));
  }
  const fromEnvironment = env['ZKHOSTS'];
  if (fromEnvironment) return zookeeperHosts('ZKHOSTS', fromEnvironment);
  return zookeeperHosts('', 'localhost:2181');
}

/** null: for ever; 0: not at all. */
function waitOf(given: Given): number | null {
  if (given.isOff('blocking')) {
    if (given.has('locktimeout')) {
      throw new UsageError('-t/--locktimeout and --no-blocking say different things: give one');
    }
    return 0;
  }
  if (!given.has('locktimeout')) return null;
  return seconds(labelOf(specOf('locktimeout')), given.text('locktimeout'), 0);
}

function logSettings(given: Given): LogSettings {
  const level = oneOf('--log-level', given.text('log-level'), LOG_LEVELS);
  const meanings = { quiet: 'warn', verbose: 'debug', 'log-level': level } as const;
  const said = (['quiet', 'verbose', 'log-level'] as const).filter((name) => given.has(name));
  const levels = new Set(said.map((name) => meanings[name]));
  if (levels.size > 1) {
    const labels = said.map((name) => labelOf(specOf(name)));
    throw new UsageError(`${labels.join(' and ')} say different things: give one`);
  }
  const [chosen = level] = levels;
  return { format: oneOf('--log-format', given.text('log-format'), LOG_FORMATS), level: chosen };
}

function specOf(name: OptionName): OptionSpec {
  const spec = SPECS.find((candidate) => candidate.name === name);
  if (spec === undefined) throw new Error(`no option ${name}`);
  return spec;
}
