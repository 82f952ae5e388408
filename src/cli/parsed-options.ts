/**
 * The options of one command line, parsed by cac; then the configuration file, then the defaults.
 * Converts each to the type of its setting, or throws UsageError.
 */
import { isAbsolute, resolve } from 'node:path';
import { cac } from 'cac';
import {
  AUTH_VARIABLE,
  type AuthSource,
  CREATOR_ACL,
  OPEN_ACL,
  type TlsFiles,
} from '../settings/access.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { ParsedOption } from './argv.ts';
import type { Config } from './config.ts';
import { labelOf, type OptionSpec } from './option-spec.ts';
import type { OptionName } from './options.ts';
import { quoted, UsageError } from './usage-error.ts';
import { acl, lockPath, MAX_COUNT, seconds, wholeNumber, zookeeperHosts } from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** In milliseconds. Servers raise a session timeout to at least two ticks anyway. */
const MIN_TIMEOUT_MS = 100;

const DEFAULT_HOSTS = 'localhost:2181';

/** If an option is repeated, the last one wins. */
export class ParsedOptions {
  readonly #specs: readonly OptionSpec[];
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #names: ReadonlySet<string>;

  readonly #config: Config | null;

  constructor(
    specs: readonly OptionSpec[],
    options: readonly ParsedOption[],
    readConfig: (file: string | null) => Config | null,
  ) {
    this.#specs = specs;
    const cli = cac('lockex');
    // cac collects repeated options in arrays, in quadratic time: pass only the last of each.
    const last = new Map(options.map((option) => [option.spec.name, option]));
    // Only the options in use are declared: all of them would cost each start half a millisecond.
    for (const { spec } of last.values()) cli.option(declaration(spec), spec.help);
    // cac converts text that looks like a number (`007`); a colon in front prevents that.
    const args = [...last.values()].map(({ spec, text }) => `--${spec.name}=:${text}`);
    this.#values = cli.parse(['node', 'lockex', ...args], { run: false }).options;
    this.#names = new Set(last.keys());
    const isInfoOnly = this.isOn('help') || this.isOn('version');
    this.#config = isInfoOnly ? null : readConfig(this.has('config') ? this.text('config') : null);
  }

  /** True if it is on the command line. */
  has(name: OptionName): boolean {
    return this.#names.has(name);
  }

  isOn(name: OptionName): boolean {
    return this.has(name) && this.#typed(name) === 'on';
  }

  isOff(name: OptionName): boolean {
    return (this.has(name) ? this.#typed(name) : this.#config?.values.get(name)) === 'off';
  }

  /** True if it is on the command line or in the configuration file. */
  isSet(name: OptionName): boolean {
    return this.has(name) || this.#config?.values.has(name) === true;
  }

  /** The value from the command line, else from the configuration file, else the default. */
  text(name: OptionName): string {
    if (this.has(name)) return this.#typed(name);
    return this.#config?.values.get(name) ?? this.#spec(name).default ?? '';
  }

  /**
   * Its name in messages; after the path of the configuration file if the value comes from there.
   */
  label(name: OptionName): string {
    const isConfigured = !this.has(name) && this.#config?.values.has(name);
    return isConfigured ? `${this.#config?.file}: ${name}` : labelOf(this.#spec(name));
  }

  /** The origin of its value, as text for `lockex config`. */
  sourceOf(name: OptionName, env: Environment): string {
    if (this.has(name)) return 'command line';
    if (name === 'zkhosts' && env['ZKHOSTS']) return 'ZKHOSTS';
    if (name === 'auth-file' && env[AUTH_VARIABLE]) return AUTH_VARIABLE;
    return this.#config?.values.has(name) ? this.#config.file : 'default';
  }

  /** A whole number, 1 or more. */
  count(name: OptionName): number {
    return wholeNumber(this.label(name), this.text(name), 1, MAX_COUNT);
  }

  /** In milliseconds; typed in seconds. */
  duration(name: OptionName, minMs: number): number {
    return seconds(this.label(name), this.text(name), minMs);
  }

  servers(env: Environment): ServerSettings {
    return {
      ...this.#hosts(env),
      ...this.#security(env),
      lockPath: lockPath(this.label('lockpath'), this.text('lockpath')),
      connectTries: this.count('retry'),
      timeoutMs: this.duration('timeout', MIN_TIMEOUT_MS),
    };
  }

  /** The host list as typed, wherever it comes from. */
  hostsText(env: Environment): string {
    if (this.has('zkhosts')) return this.text('zkhosts');
    return env['ZKHOSTS'] || this.text('zkhosts') || DEFAULT_HOSTS;
  }

  #security(env: Environment): Pick<ServerSettings, 'auth' | 'tls' | 'acl'> {
    const auth = this.#auth(env);
    const acls = this.isSet('acl') ? acl(this.label('acl'), this.text('acl')) : null;
    return { auth, tls: this.#tls(), acl: acls ?? (auth === null ? OPEN_ACL : CREATOR_ACL) };
  }

  #auth(env: Environment): AuthSource | null {
    if (!this.has('auth-file') && env[AUTH_VARIABLE]) return { kind: 'environment' };
    const path = this.#file('auth-file');
    return path === null ? null : { kind: 'file', path };
  }

  #tls(): TlsFiles | null {
    const [ca, cert, key] = [this.#file('tls-ca'), this.#file('tls-cert'), this.#file('tls-key')];
    if ((cert === null) !== (key === null)) {
      throw new UsageError('--tls-cert and --tls-key must be used together');
    }
    if (ca !== null) return { ca, own: cert === null || key === null ? null : { cert, key } };
    if (cert !== null) throw new UsageError('--tls-cert requires --tls-ca');
    return null;
  }

  /** Absolute, because it is read again later; null: not set. */
  #file(name: OptionName): string | null {
    if (!this.isSet(name)) return null;
    const text = this.text(name);
    if (text === '') throw new UsageError(`${this.label(name)} expects a file`);
    if (!this.has(name) && !isAbsolute(text)) {
      throw new UsageError(`${this.label(name)} expects an absolute path, not ${quoted(text)}`);
    }
    return resolve(text);
  }

  /** A configured host list is checked even if ZKHOSTS takes precedence. */
  #hosts(env: Environment) {
    const set = zookeeperHosts(this.label('zkhosts'), this.text('zkhosts') || DEFAULT_HOSTS);
    const fromEnvironment = this.has('zkhosts') ? undefined : env['ZKHOSTS'];
    return fromEnvironment ? zookeeperHosts('ZKHOSTS', fromEnvironment) : set;
  }

  #typed(name: OptionName): string {
    const value = this.#values[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    return String(value).slice(1);
  }

  #spec(name: OptionName): OptionSpec {
    const spec = this.#specs.find((candidate) => candidate.name === name);
    if (spec === undefined) throw new Error(`no option ${name}`);
    return spec;
  }
}

/** Declares every option to cac with a value: argv.ts has turned flags into 'on' or 'off'. */
function declaration({ name, letter }: OptionSpec): string {
  return letter === undefined ? `--${name} <value>` : `-${letter}, --${name} <value>`;
}
