/** Parses command lines into settings: defaults, the command, repetition, the environment, help. */
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/cli/parse.ts';
import { openAccess } from '../../../src/settings/access.ts';
import { parsed, refusal, settings } from './parsing.ts';

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
