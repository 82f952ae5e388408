/** The configuration file: its syntax, and what takes precedence over it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchema, parseConfig } from '../../../src/cli/config.ts';
import { parseCommandLine } from '../../../src/cli/parse.ts';

const FILE = '/etc/lockex.json';

/** Parses a command line on a host with these files. */
function run(files: Record<string, unknown>, argv: readonly string[], env = {}) {
  const read = (file: string) => {
    const content = files[file];
    if (content === undefined) return null;
    return typeof content === 'string' ? content : JSON.stringify(content);
  };
  const parsed = parseCommandLine([...argv, '--', 'prog', 'arg'], env, read);
  if (parsed.kind !== 'run') throw new Error(parsed.kind);
  return parsed;
}

const CONFIG = {
  $schema: 'x',
  zkhosts: 'configured:1',
  timeout: 60,
  'kill-after': '2.5',
  guard: false,
  'on-lost': 'rejoin',
  'log-level': 'debug',
};

describe('a setting in the file', () => {
  it('applies if nothing else is set', () => {
    const { settings } = run({ [FILE]: CONFIG }, []);
    expect(settings).toMatchObject({
      access: { hosts: [{ host: 'configured', port: 1 }], timeoutMs: 60_000 },
      machine: { killAfterMs: 2500, onLost: 'rejoin' },
      command: { guard: false },
      observers: { log: { format: 'text', level: 'debug' } },
    });
  });

  it('is overridden by the environment, and both by the command line', () => {
    const host = (argv: string[], env = {}) =>
      run({ [FILE]: CONFIG }, argv, env).settings.access.hosts[0];
    expect(host([], { ZKHOSTS: 'environment:1' })?.host).toBe('environment');
    expect(host(['-z', 'typed:1'], { ZKHOSTS: 'environment:1' })?.host).toBe('typed');
    const { settings } = run({ [FILE]: CONFIG }, ['--guard', '-T', '5', '-q']);
    expect(settings).toMatchObject({
      access: { timeoutMs: 5000 },
      command: { guard: true },
      observers: { log: { level: 'warn' } },
    });
  });

  it('is read from --config, else LOCKEX_CONFIG, else the default path', () => {
    const files = { [FILE]: { timeout: 1 }, '/a': { timeout: 2 }, '/b': { timeout: 3 } };
    const timeout = (argv: string[], env = {}) => run(files, argv, env).settings.access.timeoutMs;
    expect(timeout([])).toBe(1000);
    expect(timeout([], { LOCKEX_CONFIG: '/a' })).toBe(2000);
    expect(timeout(['--config', '/b'], { LOCKEX_CONFIG: '/a' })).toBe(3000);
    expect(run({}, []).settings.access.timeoutMs).toBe(30_000);
  });
});

it.each([
  ['{', `${FILE} is not valid JSON`],
  ['[]', `${FILE}: expected one JSON object`],
  ['null', `${FILE}: expected one JSON object`],
  [{ timeut: 1 }, `${FILE}: unknown setting 'timeut': did you mean timeout?`],
  [{ 'a\u001b[2J': 1 }, `${FILE}: unknown setting 'a\\u{1b}[2J'`],
  [{ lockid: 'x' }, `${FILE}: -i/--lockid can be set on the command line only`],
  [{ quiet: true }, `${FILE}: -q/--quiet can be set on the command line only`],
  [{ timeout: true }, `${FILE}: timeout expects a string or a number`],
  [{ timeout: null }, `${FILE}: timeout expects a string or a number`],
  [{ guard: 'no' }, `${FILE}: guard expects true or false`],
  [{ timeout: -1 }, `${FILE}: timeout expects seconds from 0.1 to 2147483, not '-1'`],
  [{ zkhosts: 'a:b' }, `${FILE}: zkhosts expects host:port,… but got 'a:b'`],
  [{ lockpath: 1000 }, `${FILE}: lockpath expects a string`],
  [{ 'on-lost': 'x' }, `${FILE}: on-lost expects one of exit, rejoin, not 'x'`],
])('%j is refused in one line', (content, message) => {
  expect(() => run({ [FILE]: content }, [])).toThrow(message);
});

it('a setting is checked even if it is overridden', () => {
  const wrong = () => run({ [FILE]: { zkhosts: '::bad::' } }, [], { ZKHOSTS: 'zk1' });
  expect(wrong).toThrow(FILE);
});

it('the file may start with a byte order mark', () => {
  const text = `\ufeff${JSON.stringify({ timeout: 7 })}`;
  expect(parseConfig(FILE, text).values.get('timeout')).toBe('7');
});

it('a file that is named explicitly must exist', () => {
  expect(() => run({}, ['--config', '/none'])).toThrow("no such file: '/none'");
  expect(() => run({}, [], { LOCKEX_CONFIG: '/none' })).toThrow("no such file: '/none'");
});

it('a broken file does not affect --help', () => {
  expect(parseCommandLine(['--help'], {}, () => '{').kind).toBe('help');
});

it('lockex config shows the settings and their origins', () => {
  const parsed = parseCommandLine(['config', '-T', '5'], { ZKHOSTS: 'e:1' }, () =>
    JSON.stringify({ retry: 3, guard: false }),
  );
  if (parsed.kind !== 'config') throw new Error(parsed.kind);
  expect(parsed.rows).toEqual(
    expect.arrayContaining([
      { name: 'zkhosts', value: 'e:1', source: 'ZKHOSTS' },
      { name: 'timeout', value: '5', source: 'command line' },
      { name: 'retry', value: '3', source: FILE },
      { name: 'guard', value: 'off', source: FILE },
      { name: 'lockpath', value: 'lockex', source: 'default' },
    ]),
  );
  expect(() => parseCommandLine(['config', 'x'], {})).toThrow(
    "lockex config takes only options, but got 'x'",
  );
});

it.each([
  ['kill-after', -1],
  ['log-level', 'silly'],
  ['log-format', 'x'],
  ['on-lost', 'x'],
  ['ready-when', 'x'],
  ['on-state', ''],
  ['on-state', 'a\0b'],
  ['inspect-origin', 'x'],
  ['timeout', 0],
])('%s: %j is refused by a run and by lockex config, with the path of the file', (name, value) => {
  const read = () => JSON.stringify({ [name]: value });
  for (const argv of [['config'], ['--', 'true']]) {
    expect(() => parseCommandLine(argv, {}, read)).toThrow(`${FILE}: ${name} expects`);
  }
});

it('docs/lockex.schema.json is up to date (npm run schema)', () => {
  const schema = readFileSync(new URL('../../../docs/lockex.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(schema)).toEqual(configSchema());
  expect(parseConfig(FILE, JSON.stringify(CONFIG)).values.size).toBe(6);
});
