/** The configuration file: what it may say, and what wins over it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchema, parseConfig } from '../../../src/cli/config.ts';
import { parseCommandLine } from '../../../src/cli/parse.ts';

const FILE = '/etc/lockex.json';

/** A run on a host with these files. */
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

describe('what is configured', () => {
  it('is in force where nothing else is said', () => {
    const { settings } = run({ [FILE]: CONFIG }, []);
    expect(settings).toMatchObject({
      access: { hosts: [{ host: 'configured', port: 1 }], timeoutMs: 60_000 },
      machine: { killAfterMs: 2500, onLost: 'rejoin' },
      command: { guard: false },
      observers: { log: { format: 'text', level: 'debug' } },
    });
  });

  it('gives way to the environment, and that to the command line', () => {
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

  it('is read from where --config says, else LOCKEX_CONFIG, else the usual place', () => {
    const files = { [FILE]: { timeout: 1 }, '/a': { timeout: 2 }, '/b': { timeout: 3 } };
    const timeout = (argv: string[], env = {}) => run(files, argv, env).settings.access.timeoutMs;
    expect(timeout([])).toBe(1000);
    expect(timeout([], { LOCKEX_CONFIG: '/a' })).toBe(2000);
    expect(timeout(['--config', '/b'], { LOCKEX_CONFIG: '/a' })).toBe(3000);
    expect(run({}, []).settings.access.timeoutMs).toBe(30_000);
  });
});

it.each([
  ['{', `${FILE} is not JSON`],
  ['[]', `${FILE} has to be one JSON object`],
  ['null', `${FILE} has to be one JSON object`],
  [{ timeut: 1 }, `${FILE}: there is no setting 'timeut': did you mean timeout?`],
  [{ 'a\u001b[2J': 1 }, `${FILE}: there is no setting 'a\\u{1b}[2J'`],
  [{ lockid: 'x' }, `${FILE}: -i/--lockid belongs on the command line`],
  [{ quiet: true }, `${FILE}: -q/--quiet belongs on the command line`],
  [{ timeout: true }, `${FILE}: timeout wants a string or a number`],
  [{ timeout: null }, `${FILE}: timeout wants a string or a number`],
  [{ guard: 'no' }, `${FILE}: guard wants true or false`],
  [{ timeout: -1 }, `${FILE}: timeout wants seconds from 0.1 to 2147483, not '-1'`],
  [{ zkhosts: 'a:b' }, `${FILE}: zkhosts wants host:port,… not 'a:b'`],
  [{ lockpath: 1000 }, `${FILE}: lockpath wants a string`],
  [{ 'on-lost': 'x' }, `${FILE}: on-lost wants one of exit, rejoin, not 'x'`],
])('%j is refused in one line', (content, message) => {
  expect(() => run({ [FILE]: content }, [])).toThrow(message);
});

it('what it says is looked at, also where something else is in force', () => {
  const wrong = () => run({ [FILE]: { zkhosts: '::bad::' } }, [], { ZKHOSTS: 'zk1' });
  expect(wrong).toThrow(FILE);
});

it('may begin with a byte order mark', () => {
  const text = `\ufeff${JSON.stringify({ timeout: 7 })}`;
  expect(parseConfig(FILE, text).values.get('timeout')).toBe('7');
});

it('a file that was named has to be there', () => {
  expect(() => run({}, ['--config', '/none'])).toThrow("there is no file '/none'");
  expect(() => run({}, [], { LOCKEX_CONFIG: '/none' })).toThrow("there is no file '/none'");
});

it('a broken file does not keep --help from helping', () => {
  expect(parseCommandLine(['--help'], {}, () => '{').kind).toBe('help');
});

it('lockex config says what is in force, and why', () => {
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
  expect(() => parseCommandLine(['config', 'x'], {})).toThrow("config takes options only, not 'x'");
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
])('%s: %j is refused by a run, and when it is shown, in the name of the file', (name, value) => {
  const read = () => JSON.stringify({ [name]: value });
  for (const words of [['config'], ['--', 'true']]) {
    expect(() => parseCommandLine(words, {}, read)).toThrow(`${FILE}: ${name} wants`);
  }
});

it('docs/lockex.schema.json is the table of options (npm run schema)', () => {
  const schema = readFileSync(new URL('../../../docs/lockex.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(schema)).toEqual(configSchema());
  expect(parseConfig(FILE, JSON.stringify(CONFIG)).values.size).toBe(6);
});
