/** Parses argv and the environment into a request, or throws UsageError. Has no side effects. */
import type { LockexInput } from '../../machines/contract.ts';
import { AUTH_VARIABLE } from '../settings/access.ts';
import type { CommandLine } from '../settings/command-line.ts';
import {
  type InspectSettings,
  LOG_FORMATS,
  type LockSettings,
  type LogSettings,
  type ObserverSettings,
  type RunSettings,
  type ServerSettings,
  type StatusSettings,
} from '../settings/settings.ts';
import { LOG_LEVELS } from '../util/log-level.ts';
import { splitCommandLine, splitMixed } from './argv.ts';
import { CONFIGURABLE, type Config, DEFAULT_CONFIG_FILE, parseConfig } from './config.ts';
import { configHelpText, helpText, statusHelpText } from './help.ts';
import { lockIdOf } from './lock-id.ts';
import { CONFIG_SPECS, type OptionName, SPECS, STATUS_SPECS } from './options.ts';
import { type Environment, ParsedOptions } from './parsed-options.ts';
import { quoted, UsageError } from './usage-error.ts';
import { listenAddress, lockId, oneOf, timeSpan, webOrigins, wholeNumber } from './values.ts';

const MAX_EXIT_CODE = 255;

export type ParsedCommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'config';
      readonly rows: readonly {
        readonly name: string;
        readonly value: string;
        readonly source: string;
      }[];
      /** The caller checks the files named here, as for a run. */
      readonly access: Pick<StatusSettings, 'auth' | 'tls'>;
    }
  | { readonly kind: 'status'; readonly settings: StatusSettings }
  | RunRequest;

export interface RunRequest {
  readonly kind: 'run';
  readonly settings: RunSettings;
}

/**
 * `status` and `config` are subcommands as the first argument only: `lockex -- status` runs a
 * program.
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Environment,
  readFile: ReadFile = () => null,
): ParsedCommandLine {
  const readConfig = (file: string | null) => configFrom(file, env, readFile);
  if (argv[0] === 'status') return parseStatus(argv.slice(1), env, readConfig);
  if (argv[0] === 'config') return parseConfigShow(argv.slice(1), env, readConfig);
  return parseRun(argv, env, readConfig);
}

/** Returns the text of a file; null if it does not exist. @throws UsageError */
type ReadFile = (file: string) => string | null;
type ReadConfig = (file: string | null) => Config | null;

/** A file that is named explicitly must exist. */
function configFrom(named: string | null, env: Environment, readFile: ReadFile): Config | null {
  if (named === '') throw new UsageError('--config expects a file');
  const explicit = named ?? env['LOCKEX_CONFIG'] ?? '';
  const file = explicit === '' ? DEFAULT_CONFIG_FILE : explicit;
  const text = readFile(file);
  if (text !== null) return parseConfig(file, text);
  if (explicit === '') return null;
  throw new UsageError(`no such file: ${quoted(file)}`);
}

function parseConfigShow(
  argv: readonly string[],
  env: Environment,
  readConfig: ReadConfig,
): ParsedCommandLine {
  const { options, rest } = splitMixed(argv, CONFIG_SPECS);
  if (rest.length > 0)
    throw new UsageError(`lockex config takes only options, but got ${quoted(rest[0] ?? '')}`);
  const given = new ParsedOptions(CONFIG_SPECS, options, readConfig);
  if (given.isOn('help')) return { kind: 'help', text: configHelpText() };
  // Settings that a run would reject are rejected here.
  const servers = given.servers(env);
  const { auth, tls } = servers;
  requireIdentityForAcl(given, servers);
  logSettings(given);
  onStateOf(given);
  readyWhenOf(given);
  originsOf(given);
  given.duration('kill-after', 0);
  onLostOf(given);
  const shown: Readonly<Record<string, string>> = {
    zkhosts: given.hostsText(env),
    guard: given.isOff('guard') ? 'off' : 'on',
    ...(auth?.kind === 'environment' && { 'auth-file': 'hidden' }),
    ...(auth !== null && !given.isSet('acl') && { acl: 'creator' }),
  };
  const rows = CONFIGURABLE.map(({ name }) => ({
    name,
    value: shown[name] ?? given.text(name as OptionName),
    source: given.sourceOf(name as OptionName, env),
  }));
  return { kind: 'config', rows, access: { auth, tls } };
}

function parseRun(
  argv: readonly string[],
  env: Environment,
  readConfig: ReadConfig,
): ParsedCommandLine {
  const { options, rest } = splitCommandLine(argv, SPECS);
  const given = new ParsedOptions(SPECS, options, readConfig);
  if (given.isOn('help')) return { kind: 'help', text: helpText() };
  if (given.isOn('version')) return { kind: 'version' };
  const command = commandLineOf(rest, given.isOn('shell'));
  return { kind: 'run', settings: settingsOf(given, command, env) };
}

function parseStatus(
  argv: readonly string[],
  env: Environment,
  readConfig: ReadConfig,
): ParsedCommandLine {
  const { options, rest } = splitMixed(argv, STATUS_SPECS);
  const given = new ParsedOptions(STATUS_SPECS, options, readConfig);
  if (given.isOn('help')) return { kind: 'help', text: statusHelpText() };
  return {
    kind: 'status',
    settings: {
      ...given.servers(env),
      lockIds: rest.length === 0 ? null : rest.map((id) => lockId('LOCKID', id)),
      json: given.isOn('json'),
      watch: given.isOn('watch'),
    },
  };
}

function commandLineOf(args: readonly string[], shell: boolean): CommandLine {
  const [first, ...others] = args;
  if (first === undefined) {
    throw new UsageError(
      "no command: usage is lockex [OPTIONS] -- COMMAND [ARGUMENT…] (see 'lockex --help')",
    );
  }
  if (shell || others.length === 0) {
    const line = args.join(' ');
    if (line.trim() === '') throw new UsageError('the command is empty');
    return { kind: 'shell', line };
  }
  if (first === '') throw new UsageError('the command is empty');
  return { kind: 'program', argv: [first, ...others] };
}

function settingsOf(given: ParsedOptions, command: CommandLine, env: Environment): RunSettings {
  const observers: ObserverSettings = {
    log: logSettings(given),
    inspect: inspectSettings(given),
    onState: onStateOf(given),
    readyWhen: readyWhenOf(given),
  };
  const { lockPath, connectTries, ...access } = given.servers(env);
  requireIdentityForAcl(given, access);
  return {
    machine: { connectTries, ...machineSettings(given) },
    access,
    lock: {
      id: given.has('lockid')
        ? lockId(given.label('lockid'), given.text('lockid'))
        : lockIdOf(command),
      path: lockPath,
      concurrent: given.count('concurrent'),
      shared: sharedOf(given),
      recipe: recipeOf(given),
    },
    command: { line: command, guard: !given.isOff('guard') },
    observers,
  };
}

function machineSettings(given: ParsedOptions): Omit<LockexInput, 'connectTries'> {
  const exitCode = (name: OptionName) =>
    wholeNumber(given.label(name), given.text(name), 0, MAX_EXIT_CODE);
  return {
    lockTries: given.count('lockretry'),
    waitMs: waitOf(given),
    killAfterMs: given.duration('kill-after', 0),
    conflictExitCode: exitCode('conflict-exit-code'),
    maxRuntimeMs: given.has('max-runtime') ? given.duration('max-runtime', 1) : null,
    oncePerMs: oncePerOf(given),
    skipExitCode: exitCode('skip-exit-code'),
    holdMs: given.has('hold') ? given.duration('hold', 0) : null,
    leftovers: given.isOn('wait-for-all') ? 'await' : 'stop',
    onLost: onLostOf(given),
  };
}

/** The ACL scheme `auth` stands for the identities of the session, so it needs at least one. */
function requireIdentityForAcl(
  given: ParsedOptions,
  { acl, auth, tls }: Pick<ServerSettings, 'acl' | 'auth' | 'tls'>,
): void {
  const hasIdentity = auth !== null || (tls !== null && tls.own !== null);
  if (hasIdentity || !acl.some(({ scheme }) => scheme === 'auth')) return;
  const means = `--auth-file, ${AUTH_VARIABLE} or --tls-cert`;
  throw new UsageError(`${given.label('acl')} ${quoted(given.text('acl'))} requires ${means}`);
}

function sharedOf(given: ParsedOptions): boolean {
  if (given.isOn('shared') && given.count('concurrent') > 1) {
    throw new UsageError('-c/--concurrent and --shared cannot be used together');
  }
  return given.isOn('shared');
}

function recipeOf(given: ParsedOptions): LockSettings['recipe'] {
  const label = given.label('recipe');
  const recipe = oneOf(label, given.text('recipe'), ['kazoo', 'curator']);
  const isPlain = !given.isOn('shared') && given.count('concurrent') === 1;
  if (recipe === 'curator' && !isPlain) {
    throw new UsageError('--recipe curator cannot be used with -c above 1 or --shared');
  }
  return recipe;
}

function oncePerOf(given: ParsedOptions): number | null {
  if (!given.has('once-per')) {
    if (given.has('skip-exit-code')) throw new UsageError('--skip-exit-code requires --once-per');
    return null;
  }
  const isAlone = !given.isOn('shared') && given.count('concurrent') === 1;
  if (!isAlone) throw new UsageError('--once-per cannot be used with -c above 1 or --shared');
  return timeSpan(given.label('once-per'), given.text('once-per'));
}

/** In milliseconds; null: no limit; 0: do not wait. */
function waitOf(given: ParsedOptions): number | null {
  if (given.isOff('blocking')) {
    if (given.has('locktimeout')) {
      throw new UsageError('-t/--locktimeout and --no-blocking cannot be used together');
    }
    return 0;
  }
  const waitMs = given.has('locktimeout') ? given.duration('locktimeout', 0) : null;
  if (waitMs === 0 && given.isOn('blocking')) {
    throw new UsageError('-t/--locktimeout 0 and --blocking cannot be used together');
  }
  return waitMs;
}

function onLostOf(given: ParsedOptions): LockexInput['onLost'] {
  return oneOf(given.label('on-lost'), given.text('on-lost'), ['exit', 'rejoin']);
}

function readyWhenOf(given: ParsedOptions): ObserverSettings['readyWhen'] {
  return oneOf(given.label('ready-when'), given.text('ready-when'), ['waiting', 'running']);
}

function onStateOf(given: ParsedOptions): string | null {
  if (!given.isSet('on-state')) return null;
  const line = given.text('on-state');
  const isCommand = line.trim() !== '' && !line.includes('\0');
  if (!isCommand) throw new UsageError(`${given.label('on-state')} expects a command`);
  return line;
}

function inspectSettings(given: ParsedOptions): InspectSettings | null {
  const origins = originsOf(given);
  if (given.has('inspect')) {
    return { ...listenAddress(given.label('inspect'), given.text('inspect')), origins };
  }
  if (given.has('inspect-origin')) throw new UsageError('--inspect-origin requires --inspect');
  return null;
}

function originsOf(given: ParsedOptions): readonly string[] {
  return given.isSet('inspect-origin')
    ? webOrigins(given.label('inspect-origin'), given.text('inspect-origin'))
    : [];
}

function logSettings(given: ParsedOptions): LogSettings {
  const level = oneOf(given.label('log-level'), given.text('log-level'), LOG_LEVELS);
  const meanings = { quiet: 'warn', verbose: 'debug', 'log-level': level } as const;
  const names = (['quiet', 'verbose', 'log-level'] as const).filter((name) => given.has(name));
  const levels = new Set(names.map((name) => meanings[name]));
  if (levels.size > 1) {
    const labels = names.map((name) => given.label(name));
    throw new UsageError(`${labels.join(' and ')} select different log levels: use one of them`);
  }
  const [chosen = level] = levels;
  const format = oneOf(given.label('log-format'), given.text('log-format'), LOG_FORMATS);
  return { format, level: chosen };
}
