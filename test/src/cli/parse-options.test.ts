/** The values of options, which options exclude each other, and the messages of the errors. */
import { describe, expect, it } from 'vitest';
import { parsed, refusal, settings } from './parsing.ts';

it('--recipe curator requires a plain lock', () => {
  expect(parsed(['--recipe', 'curator', '--', 'x']).settings.lock.recipe).toBe('curator');
  for (const args of [['-c', '2'], ['--shared']]) {
    const refused = refusal(['--recipe', 'curator', ...args, '--', 'x']);
    expect(refused).toBe('--recipe curator cannot be used with -c above 1 or --shared');
  }
  expect(refusal(['--recipe', 'etcd', '--', 'x'])).toContain('--recipe');
});

describe('waiting', () => {
  it('-t 0 means --no-blocking, any other time is at least 1 ms', () => {
    expect(settings('-t', '0').machine.waitMs).toBe(0);
    expect(settings('-t', '0.000').machine.waitMs).toBe(0);
    expect(settings('-t', '.0001').machine.waitMs).toBe(1);
    expect(settings('-t', '0.0000000000001').machine.waitMs).toBe(1);
  });

  it('-t cannot be used with --no-blocking, nor -t 0 with --blocking', () => {
    expect(refusal(['-t', '5', '--no-blocking', 'x'])).toBe(
      '-t/--locktimeout and --no-blocking cannot be used together',
    );
    expect(settings('-t', '5', '--blocking').machine.waitMs).toBe(5000);
    expect(refusal(['-t', '0', '--blocking', 'x'])).toBe(
      '-t/--locktimeout 0 and --blocking cannot be used together',
    );
  });
});

it.each(['creator', 'auth::r,world:anyone:r'])('--acl %s requires authentication', (acl) => {
  expect(refusal(['--acl', acl, 'x'])).toBe(
    `--acl '${acl}' requires --auth-file, LOCKEX_AUTH or --tls-cert`,
  );
  expect(refusal(['config', '--acl', acl])).toBe(refusal(['--acl', acl, 'x']));
  expect(settings('--acl', acl, '--auth-file', '/a').access.acl[0]?.scheme).toBe('auth');
});

describe('the log level', () => {
  it('is warn with -q, and debug with -v', () => {
    expect(parsed(['-q', 'x']).settings.observers.log.level).toBe('warn');
    expect(parsed(['-v', 'x']).settings.observers.log.level).toBe('debug');
    expect(parsed(['-q', '--log-level', 'warn', 'x']).settings.observers.log.level).toBe('warn');
  });

  it.each([
    [['-qv'], '-q/--quiet and -v/--verbose'],
    [['-v', '--log-level=info'], '-v/--verbose and --log-level'],
    [['-q', '--log-level', 'debug'], '-q/--quiet and --log-level'],
  ])('must not be contradictory: %j', (options, names) => {
    expect(refusal([...options, 'x'])).toBe(
      `${names} select different log levels: use one of them`,
    );
  });
});

const COUNT = 'expects a whole number of 1 or more, not';

describe('wrong values', () => {
  it.each([
    [['-c', '1.5'], `-c/--concurrent ${COUNT} '1.5'`],
    [['-c', '0'], `-c/--concurrent ${COUNT} '0'`],
    [['-c', '-3'], `-c/--concurrent ${COUNT} '-3'`],
    [['-c', 'two'], `-c/--concurrent ${COUNT} 'two'`],
    [['-c', ''], `-c/--concurrent ${COUNT} ''`],
    [['-c', 'NaN'], `-c/--concurrent ${COUNT} 'NaN'`],
    [['-c', '0x2'], `-c/--concurrent ${COUNT} '0x2'`],
    [['-c', '1e1'], `-c/--concurrent ${COUNT} '1e1'`],
    [['-c', ' 2'], `-c/--concurrent ${COUNT} ' 2'`],
    [['-c', '٣'], `-c/--concurrent ${COUNT} '٣'`],
    [
      ['-c', '99999999999'],
      "-c/--concurrent expects a whole number from 1 to 2147483647, not '99999999999'",
    ],
    [['-r', '0'], `-r/--lockretry ${COUNT} '0'`],
    [['-R', 'Infinity'], `-R/--retry ${COUNT} 'Infinity'`],
    [['-t', '-1'], "-t/--locktimeout expects seconds from 0 to 2147483, not '-1'"],
    [['-t', '5s'], "-t/--locktimeout expects seconds from 0 to 2147483, not '5s'"],
    [['-t', '1e3'], "-t/--locktimeout expects seconds from 0 to 2147483, not '1e3'"],
    [['-t', '1,5'], "-t/--locktimeout expects seconds from 0 to 2147483, not '1,5'"],
    [['-t', '5.'], "-t/--locktimeout expects seconds from 0 to 2147483, not '5.'"],
    [['-t', '2147484'], "-t/--locktimeout expects seconds from 0 to 2147483, not '2147484'"],
    [['-t', ''], "-t/--locktimeout expects seconds from 0 to 2147483, not ''"],
    [['-T', '0.09'], "-T/--timeout expects seconds from 0.1 to 2147483, not '0.09'"],
    [['-T', '0'], "-T/--timeout expects seconds from 0.1 to 2147483, not '0'"],
    [['--kill-after', 'x'], "--kill-after expects seconds from 0 to 2147483, not 'x'"],
    [['-E', '256'], "-E/--conflict-exit-code expects a whole number from 0 to 255, not '256'"],
    [['-E', '-1'], "-E/--conflict-exit-code expects a whole number from 0 to 255, not '-1'"],
    [['--on-lost', 'stay'], "--on-lost expects one of exit, rejoin, not 'stay'"],
    [['--log-format', 'xml'], "--log-format expects one of text, json, not 'xml'"],
    [['--log-level', 'INFO'], "--log-level expects one of error, warn, info, debug, not 'INFO'"],
  ])('%j', (options, message) => {
    expect(refusal([...options, 'x'])).toBe(message);
  });

  it('are quoted without control characters, and shortened', () => {
    expect(refusal(['-c', '\u001b[31m\n\u202e', 'x'])).toBe(
      `-c/--concurrent ${COUNT} '\\u{1b}[31m\\u{a}\\u{202e}'`,
    );
    expect(refusal(['-c', 'é'.repeat(500), 'x'])).toBe(
      `-c/--concurrent ${COUNT} '${'é'.repeat(60)}…'`,
    );
  });
});

it('--on-state expects a command', () => {
  expect(refusal(['--on-state', ' ', '--', 'x'])).toBe('--on-state expects a command');
});

describe('--once-per', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['365d', 31_536_000_000],
  ])('%s', (text, ms) => {
    expect(settings('--once-per', text).machine).toMatchObject({
      oncePerMs: ms,
      skipExitCode: 0,
    });
  });

  it.each(['10', '1.5h', '0m', '-1h', '1w', '1h30m', '', 'NaN'])('%j is refused', (text) => {
    expect(refusal([`--once-per=${text}`, '--', 'x'])).toBe(
      `--once-per expects a time such as 90s, 10m, 1h or 1d, not '${text}'`,
    );
  });

  it('allows --skip-exit-code, which requires it', () => {
    expect(settings('--once-per', '1h', '--skip-exit-code', '75').machine.skipExitCode).toBe(75);
    expect(refusal(['--skip-exit-code', '75', '--', 'x'])).toBe(
      '--skip-exit-code requires --once-per',
    );
  });

  it.each([['--shared'], ['-c', '2']])('requires an exclusive lock: %s', (...args) => {
    expect(refusal(['--once-per', '1h', ...args, '--', 'x'])).toBe(
      '--once-per cannot be used with -c above 1 or --shared',
    );
  });
});

it('--shared cannot be used with a semaphore', () => {
  expect(settings('--shared').lock.shared).toBe(true);
  expect(settings('--shared', '-c', '1').lock.shared).toBe(true);
  expect(refusal(['--shared', '-c', '2', '--', 'x'])).toBe(
    '-c/--concurrent and --shared cannot be used together',
  );
});

describe('--inspect', () => {
  const inspect = (...args: string[]) =>
    parsed([...args, '--', 'prog', 'arg']).settings.observers.inspect;

  it.each([
    [['--inspect'], '127.0.0.1', 0],
    [['--inspect='], '127.0.0.1', 0],
    [['--inspect=8080'], '127.0.0.1', 8080],
    [['--inspect=0.0.0.0:80'], '0.0.0.0', 80],
    [['--inspect=db1.example:0'], 'db1.example', 0],
  ])('%j listens on %s, port %i', (args, host, port) => {
    expect(inspect(...args)).toEqual({ host, port, origins: [] });
  });

  it('takes its value only after an equals sign', () => {
    expect(parsed(['--inspect', '8080', 'x']).settings.command.line).toEqual({
      kind: 'program',
      argv: ['8080', 'x'],
    });
  });

  it.each([
    ['--inspect=http', "--inspect expects [host:]port, not 'http'"],
    ['--inspect=65536', "--inspect expects [host:]port, not '65536'"],
    [
      '--inspect=::1:80',
      "--inspect expects [host:]port, not '::1:80' (IPv6 addresses require brackets)",
    ],
    ['--inspect=[x]:80', "--inspect expects [host:]port, not '[x]:80'"],
    ['--inspect=-1', "--inspect expects [host:]port, not '-1'"],
  ])('%s is refused', (arg, message) => {
    expect(refusal([arg, '--', 'x'])).toBe(message);
  });

  it.each(['stately.ai', 'https://stately.ai/inspect', 'ftp://x', '*', ''])(
    'refuses an invalid origin: %j',
    (origin) => {
      expect(refusal(['--inspect', `--inspect-origin=${origin}`, '--', 'x'])).toBe(
        `--inspect-origin expects https://host[:port],… but got '${origin}'`,
      );
    },
  );

  it('is required by --inspect-origin', () => {
    expect(refusal(['--inspect-origin', 'https://x', '--', 'x'])).toBe(
      '--inspect-origin requires --inspect',
    );
  });
});
