/** The options that were given, as cac reads them, with their defaults: typed values, or UsageError. */
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
import type { GivenOption } from './argv.ts';
import type { Config } from './config.ts';
import { labelOf, type OptionName, type OptionSpec } from './options.ts';
import { quoted, UsageError } from './usage-error.ts';
import { ANY_COUNT, acl, lockPath, seconds, wholeNumber, zookeeperHosts } from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A session timeout below this is no use: a server's smallest is two ticks. */
const LEAST_TIMEOUT_MS = 100;

const DEFAULT_HOSTS = 'localhost:2181';

/** The last one of a name wins. */
export class ParsedOptions {
  readonly #specs: readonly OptionSpec[];
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #names: ReadonlySet<string>;

  readonly #config: Config | null;

  constructor(
    specs: readonly OptionSpec[],
    options: readonly GivenOption[],
    readConfig: (file: string | null) => Config | null,
  ) {
    this.#specs = specs;
    const cli = cac('lockex');
    // Before cac, to which thousands of one name would be work for each pair of them.
    const last = new Map(options.map((option) => [option.spec.name, option]));
    // Those that were not given would cost a start half a millisecond.
    for (const { spec } of last.values()) cli.option(declaration(spec), spec.help);
    // cac makes numbers of what looks like one; behind a colon nothing does.
    const words = [...last.values()].map(({ spec, text }) => `--${spec.name}=:${text}`);
    this.#values = cli.parse(['node', 'lockex', ...words], { run: false }).options;
    this.#names = new Set(last.keys());
    const isInfoOnly = this.isOn('help') || this.isOn('version');
    this.#config = isInfoOnly ? null : readConfig(this.has('config') ? this.text('config') : null);
  }

  /** On the command line. */
  has(name: OptionName): boolean {
    return this.#names.has(name);
  }

  isOn(name: OptionName): boolean {
    return this.has(name) && this.#typed(name) === 'on';
  }

  isOff(name: OptionName): boolean {
    return (this.has(name) ? this.#typed(name) : this.#config?.values.get(name)) === 'off';
  }

  /** Said anywhere: on the command line or in the configuration. */
  isSaid(name: OptionName): boolean {
    return this.has(name) || this.#config?.values.has(name) === true;
  }

  /** What was typed, or is configured, or the default. */
  text(name: OptionName): string {
    if (this.has(name)) return this.#typed(name);
    return this.#config?.values.get(name) ?? this.#spec(name).default ?? '';
  }

  /** How messages name it. */
  label(name: OptionName): string {
    const isConfigured = !this.has(name) && this.#config?.values.has(name);
    return isConfigured ? `${this.#config?.file}: ${name}` : labelOf(this.#spec(name));
  }

  /** Where its value comes from, for people. */
  sourceOf(name: OptionName, env: Environment): string {
    if (this.has(name)) return 'command line';
    if (name === 'zkhosts' && env['ZKHOSTS']) return 'ZKHOSTS';
    if (name === 'auth-file' && env[AUTH_VARIABLE]) return AUTH_VARIABLE;
    return this.#config?.values.has(name) ? this.#config.file : 'default';
  }

  /** 1 or more. */
  count(name: OptionName): number {
    return wholeNumber(this.label(name), this.text(name), 1, ANY_COUNT);
  }

  /** Typed as seconds; milliseconds. */
  duration(name: OptionName, leastMs: number): number {
    return seconds(this.label(name), this.text(name), leastMs);
  }

  servers(env: Environment): ServerSettings {
    return {
      ...this.#hosts(env),
      ...this.#security(env),
      lockPath: lockPath(this.label('lockpath'), this.text('lockpath')),
      connectTries: this.count('retry'),
      timeoutMs: this.duration('timeout', LEAST_TIMEOUT_MS),
    };
  }

  /** As it was said. */
  hostsText(env: Environment): string {
    if (this.has('zkhosts')) return this.text('zkhosts');
    return env['ZKHOSTS'] || this.text('zkhosts') || DEFAULT_HOSTS;
  }

  #security(env: Environment): Pick<ServerSettings, 'auth' | 'tls' | 'acl'> {
    const auth = this.#auth(env);
    const acls = this.isSaid('acl') ? acl(this.label('acl'), this.text('acl')) : null;
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
      throw new UsageError('--tls-cert and --tls-key go together');
    }
    if (ca !== null) return { ca, own: cert === null || key === null ? null : { cert, key } };
    if (cert !== null) throw new UsageError('--tls-cert needs --tls-ca');
    return null;
  }

  /** Absolute, for it is read again later; null: not said. */
  #file(name: OptionName): string | null {
    if (!this.isSaid(name)) return null;
    const text = this.text(name);
    if (text === '') throw new UsageError(`${this.label(name)} wants a file`);
    if (!this.has(name) && !isAbsolute(text)) {
      throw new UsageError(`${this.label(name)} wants an absolute path, not ${quoted(text)}`);
    }
    return resolve(text);
  }

  /** What is written down is looked at, also where something else is in force. */
  #hosts(env: Environment) {
    const said = zookeeperHosts(this.label('zkhosts'), this.text('zkhosts') || DEFAULT_HOSTS);
    const fromEnvironment = this.has('zkhosts') ? undefined : env['ZKHOSTS'];
    return fromEnvironment ? zookeeperHosts('ZKHOSTS', fromEnvironment) : said;
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

/** Every option is declared to cac with a value: flags have 'on' or 'off' by now. */
function declaration({ name, letter }: OptionSpec): string {
  return letter === undefined ? `--${name} <value>` : `-${letter}, --${name} <value>`;
}
