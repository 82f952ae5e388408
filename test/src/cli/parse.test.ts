/** Parses command lines into settings, or into one line that describes the error. */
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/cli/parse.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';
import { openAccess } from '../../../src/settings/access.ts';

function parsed(argv: readonly string[], env: Record<string, string> = {}) {
  const result = parseCommandLine(argv, env);
  if (result.kind !== 'run') throw new Error(`expected a run, not ${result.kind}`);
  return result;
}

function settings(...options: string[]) {
  return parsed([...options, '--', 'prog', 'arg']).settings;
}

function refusal(argv: readonly string[], env: Record<string, string> = {}): string {
  try {
    parseCommandLine(argv, env);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    expect(message, 'one line, without control characters').toMatch(/^\P{C}+$/u);
    return message;
  }
  throw new Error(`accepted: ${argv.join(' ')}`);
}

it('without options, all settings have their defaults', () => {
  expect(parsed(['--', 'prog', 'arg'])).toEqual({
    kind: 'run',
    settings: {
      machine: {
        connectTries: 1,
        lockTries: 1,
        waitMs: null,
        killAfterMs: 5000,
        conflictExitCode: 1,
        maxRuntimeMs: null,
        leftovers: 'stop',
        holdMs: null,
        oncePerMs: null,
        skipExitCode: 0,
        onLost: 'exit',
      },
      access: { ...openAccess([{ host: 'localhost', port: 2181 }]), timeoutMs: 30_000 },
      lock: {
        id: 'prog-e3c28c19a2eee244',
        path: 'lockex',
        concurrent: 1,
        shared: false,
        recipe: 'kazoo',
      },
      command: { line: { kind: 'program', argv: ['prog', 'arg'] }, guard: true },
      observers: {
        log: { format: 'text', level: 'info' },
        inspect: null,
        onState: null,
        readyWhen: 'waiting',
      },
    },
  });
});

it('every option sets its setting', () => {
  const argv =
    '-c 3 -i id -p /a/b/ -r 4 -t 1.5 -R 5 -T 2.5 -z h:1/x --kill-after 0.25 -E 75 ' +
    '--on-lost rejoin --no-guard --log-format json --log-level debug ' +
    '--on-state page --ready-when running --max-runtime 60 --hold 0.5 --wait-for-all ' +
    '--inspect=[::1]:8080 --inspect-origin https://stately.ai ' +
    '--auth-file /a --acl world:anyone:r --tls-ca /b --tls-cert /c --tls-key /d -- prog arg';
  expect(parsed(argv.split(' '))).toEqual({
    kind: 'run',
    settings: {
      machine: {
        connectTries: 5,
        lockTries: 4,
        waitMs: 1500,
        killAfterMs: 250,
        conflictExitCode: 75,
        maxRuntimeMs: 60_000,
        leftovers: 'await',
        holdMs: 500,
        oncePerMs: null,
        skipExitCode: 0,
        onLost: 'rejoin',
      },
      access: {
        hosts: [{ host: 'h', port: 1 }],
        chroot: '/x',
        auth: { kind: 'file', path: '/a' },
        acl: [{ scheme: 'world', id: 'anyone', permissions: 1 }],
        tls: { ca: '/b', own: { cert: '/c', key: '/d' } },
        timeoutMs: 2500,
      },
      lock: { id: 'id', path: 'a/b', concurrent: 3, shared: false, recipe: 'kazoo' },
      command: { line: { kind: 'program', argv: ['prog', 'arg'] }, guard: false },
      observers: {
        log: { format: 'json', level: 'debug' },
        inspect: { host: '::1', port: 8080, origins: ['https://stately.ai'] },
        onState: 'page',
        readyWhen: 'running',
      },
    },
  });
});

it('--recipe curator requires a plain lock', () => {
  expect(parsed(['--recipe', 'curator', '--', 'x']).settings.lock.recipe).toBe('curator');
  for (const args of [['-c', '2'], ['--shared']]) {
    const refused = refusal(['--recipe', 'curator', ...args, '--', 'x']);
    expect(refused).toBe('--recipe curator cannot be used with -c above 1 or --shared');
  }
  expect(refusal(['--recipe', 'etcd', '--', 'x'])).toContain('--recipe');
});

describe('the command', () => {
  it('is a command line for the shell if it is one argument', () => {
    expect(parsed(['--', 'sleep 30 && uptime']).settings.command.line).toEqual({
      kind: 'shell',
      line: 'sleep 30 && uptime',
    });
    expect(parsed(['ls']).settings.command.line).toEqual({ kind: 'shell', line: 'ls' });
  });

  it('is a program with unchanged arguments if it has several', () => {
    expect(parsed(['--', 'sh', '-c', 'exit 7', '']).settings.command.line).toEqual({
      kind: 'program',
      argv: ['sh', '-c', 'exit 7', ''],
    });
  });

  it('is joined with spaces for the shell with --shell', () => {
    expect(parsed(['--shell', '--', 'echo', '$HOME', ';', 'ls']).settings.command.line).toEqual({
      kind: 'shell',
      line: 'echo $HOME ; ls',
    });
  });

  it.each([[[]], [['-q']], [['--']], [['-q', '--']]])('must not be missing: %j', (argv) => {
    expect(refusal(argv)).toMatch(/^no command: usage is lockex \[OPTIONS\] -- COMMAND/);
  });

  it.each([[['--', '']], [['--', ' \t']], [['--', '', 'x']], [['--shell', '--', '', '']]])(
    'must not be empty: %j',
    (argv) => {
      expect(refusal(argv)).toBe('the command is empty');
    },
  );
});

describe('text', () => {
  it.each(['007', '1e3', '1.10', '0x1F', 'true', '12345678901234567890', '-x', '=', 'a=b'])(
    'is preserved exactly: -i %s',
    (id) => {
      expect(settings('-i', id).lock.id).toBe(id);
    },
  );

  it('may be the name of a property of all objects', () => {
    expect(settings('-i', '__proto__', '-p', 'constructor/a.b')).toMatchObject({
      lock: { id: '__proto__', path: 'constructor/a.b' },
    });
  });
});

describe('if an option is repeated', () => {
  it('the last one wins, for values and flags', () => {
    expect(settings('-i', 'a', '-i', 'b', '--lockid=c').lock.id).toBe('c');
    expect(settings('--no-blocking', '--blocking').machine.waitMs).toBeNull();
    expect(settings('--blocking', '--no-blocking').machine.waitMs).toBe(0);
    expect(settings('--no-guard', '--guard').command.guard).toBe(true);
    expect(parsed(['-v', '-v', 'x']).settings.observers.log.level).toBe('debug');
  });

  it('only the last value is checked', () => {
    expect(settings('-c', 'x', '-c', '2').lock.concurrent).toBe(2);
  });
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

describe('ZKHOSTS', () => {
  it('is used and checked without -z', () => {
    expect(parsed(['x'], { ZKHOSTS: 'a:1, b/c' }).settings.access).toMatchObject({
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
      ],
      chroot: '/c',
    });
    expect(refusal(['x'], { ZKHOSTS: 'a:b' })).toBe("ZKHOSTS expects host:port,… but got 'a:b'");
  });

  it('is ignored with -z', () => {
    expect(parsed(['-z', 'h', 'x'], { ZKHOSTS: ':::' }).settings.access.hosts).toEqual([
      { host: 'h', port: 2181 },
    ]);
  });

  it('is ignored if empty', () => {
    expect(parsed(['x'], { ZKHOSTS: '' }).settings.access.hosts).toEqual([
      { host: 'localhost', port: 2181 },
    ]);
  });

  it('is the only variable that affects these settings', () => {
    const env = { LOCKEX_LOCKID: 'a', LOCKEX_LOCK_PATH: 'b', LOCKID: 'c', ZKHOST: 'd' };
    expect(parsed(['x'], env)).toEqual(parsed(['x']));
  });
});

describe('help and version', () => {
  it.each([['-h'], ['--help'], ['-q', '-h'], ['-h', '-c', 'nonsense'], ['-hV']])(
    'help is shown for %s %s %s',
    (...argv) => {
      expect(parseCommandLine(argv, { ZKHOSTS: ':' })).toMatchObject({ kind: 'help' });
    },
  );

  it.each([['-V'], ['--version']])('the version is shown for %s', (...argv) => {
    expect(parseCommandLine(argv, {})).toEqual({ kind: 'version' });
  });

  it('after the start of the command, they belong to the command', () => {
    expect(parsed(['ls', '--help']).settings.command.line).toEqual({
      kind: 'program',
      argv: ['ls', '--help'],
    });
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

describe('status', () => {
  it('is a subcommand only as the first argument', () => {
    expect(parseCommandLine(['status', 'web', '--json', '-z', 'h:1'], {})).toEqual({
      kind: 'status',
      settings: {
        ...openAccess([{ host: 'h', port: 1 }]),
        lockPath: 'lockex',
        connectTries: 1,
        timeoutMs: 5000,
        lockIds: ['web'],
        json: true,
        watch: false,
      },
    });
    expect(parsed(['-q', 'status', 'web']).settings.command.line).toEqual({
      kind: 'program',
      argv: ['status', 'web'],
    });
  });
});
