/** The log's formats, and the live line of a terminal. */
import { describe, expect, it, vi } from 'vitest';
import { createLog, type LogOptions } from '../../../src/log/log.ts';
import { createWinston } from '../../../src/log/winston.ts';
import { until } from '../../support/until.ts';
import { FakeSink } from '../cli/fakes.ts';

vi.mock('../../../src/log/winston.ts', { spy: true });

function logTo(sink: FakeSink, options: Partial<LogOptions> = {}) {
  return createLog({
    format: 'text',
    level: 'info',
    lockId: 'the-lock',
    pid: 42,
    env: {},
    isForeground: () => true,
    ...options,
    sink,
  });
}

describe('text', () => {
  it('is one line each, with time and program, and no escape codes in a file', async () => {
    const sink = new FakeSink();
    const log = logTo(sink);
    log.write('info', 'waiting: for long', { state: 'waiting' });
    log.write('warn', 'a warning');
    log.write('error', 'an error');
    await log.flush();
    expect(sink.lines).toHaveLength(3);
    expect(sink.lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ lockex: waiting: for long$/);
    expect(sink.lines[1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ lockex: warn: a warning$/);
    expect(sink.lines[2]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ lockex: error: an error$/);
  });

  it('from others can neither control a terminal nor forge a line', async () => {
    const sink = new FakeSink();
    const log = logTo(sink);
    log.write('info', `\u001b]0;title\u0007\nlockex: forged\r\u202e${'x'.repeat(5000)}`);
    await log.flush();
    expect(sink.lines).toHaveLength(1);
    expect(sink.text).toContain('\\u{1b}]0;title\\u{7}\\u{a}lockex: forged\\u{d}\\u{202e}xxx');
    expect(sink.text.length).toBeLessThan(2200);
    expect(sink.text).toMatch(/^\P{C}+\n$/u);
  });

  it.each<[string, boolean, LogOptions['env'], boolean]>([
    ['a terminal', true, {}, true],
    ['a terminal, with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['a terminal, with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
    ['a file', false, {}, false],
  ])(
    'has colour only where it is supported and allowed: %s',
    async (_, isTerminal, env, isColoured) => {
      const sink = new FakeSink(isTerminal);
      const log = logTo(sink, { env: env ?? {} });
      log.write('error', 'red');
      await log.flush();
      expect(sink.text.includes('\u001b[31m')).toBe(isColoured);
      expect(sink.text.includes('\u001b')).toBe(isColoured);
    },
  );
});

describe('a JSON line', () => {
  it('has its fields, in order, and those of the event', async () => {
    const sink = new FakeSink();
    const log = logTo(sink, { format: 'json' });
    log.write('warn', 'suspended: gone', { state: 'suspended.running', leaseLeftMs: 12 });
    await log.flush();
    const [line = ''] = sink.lines;
    const { ts, ...others } = JSON.parse(line);
    expect(new Date(ts).toISOString()).toBe(ts);
    expect(JSON.stringify(others)).toBe(
      '{"level":"warn","state":"suspended.running","message":"suspended: gone",' +
        '"lock":"the-lock","pid":42,"leaseLeftMs":12}',
    );
  });

  it('has the last state if the line has none of its own', async () => {
    const sink = new FakeSink();
    const log = logTo(sink, { format: 'json' });
    log.write('info', 'before any state');
    log.write('info', 'running', { state: 'running' });
    log.write('warn', 'the guard died');
    await log.flush();
    expect(sink.lines.map((line) => JSON.parse(line).state)).toEqual([null, 'running', 'running']);
  });

  it('escapes what could control a terminal in any field, and parses back unchanged', async () => {
    const sink = new FakeSink();
    const log = logTo(sink, { format: 'json' });
    const name = 'sh\u009b2J\u007f\u2028\u202e\u{e0001}\ud800\n[12]';
    log.write('warn', 'left behind', { stragglers: [name] });
    await log.flush();
    expect(sink.text).toMatch(/^\P{C}+\n$/u);
    expect(JSON.parse(sink.text).stragglers).toEqual([name]);
  });

  it('has no colour and no live line on a terminal', async () => {
    const sink = new FakeSink(true);
    const log = logTo(sink, { format: 'json' });
    expect(log.isLive).toBe(false);
    log.live('waiting');
    log.write('error', 'x');
    await log.flush();
    expect(sink.text).not.toContain('\u001b');
    expect(sink.text).not.toContain('waiting');
  });
});

it.each([
  ['error', ['error']],
  ['warn', ['error', 'warn']],
  ['info', ['error', 'warn', 'info']],
  ['debug', ['error', 'warn', 'info', 'debug']],
] as const)('at level %s, %j are written', async (level, written) => {
  const sink = new FakeSink();
  const log = logTo(sink, { level, format: 'json' });
  for (const level of ['error', 'warn', 'info', 'debug'] as const) log.write(level, level);
  await log.flush();
  expect(sink.lines.map((line) => JSON.parse(line).level)).toEqual(written);
});

it('lines can be logged during and after a flush, in order', async () => {
  const sink = new FakeSink();
  const log = logTo(sink);
  log.write('info', 'before');
  const flushed = log.flush();
  log.write('info', 'meanwhile');
  await flushed;
  expect(sink.lines).toEqual([
    expect.stringMatching(/before$/),
    expect.stringMatching(/meanwhile$/),
  ]);
  log.write('info', 'after');
  log.write('debug', 'not written');
  await log.flush();
  expect(sink.lines.slice(2)).toEqual([expect.stringMatching(/after$/)]);
});

it('lines go through winston once it is loaded, and look the same', async () => {
  const sink = new FakeSink();
  const log = logTo(sink, { level: 'debug', startMs: -1 });
  log.write('info', 'without');
  await until(() => vi.mocked(createWinston).mock.results.length > 0);
  const winston = vi.mocked(createWinston).mock.results[0]?.value;
  const through = vi.spyOn(winston, 'log');
  log.write('info', 'with');
  await log.flush();
  expect(through).toHaveBeenCalledOnce();
  const [without = '', withIt = ''] = sink.lines;
  expect(withIt.replace(/^\S+/, '').replace('with', 'without')).toBe(without.replace(/^\S+/, ''));
});

it('the few lines of a start do not load winston', async () => {
  vi.mocked(createWinston).mockClear();
  const sink = new FakeSink();
  const log = logTo(sink, { startMs: 60_000 });
  log.write('info', 'one of a start');
  await log.flush();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sink.lines).toHaveLength(1);
  expect(createWinston).not.toHaveBeenCalled();
});

describe('a failure', () => {
  it('is one line without a stack, written before the turn ends', () => {
    const sink = new FakeSink();
    logTo(sink).fail(new TypeError('x is not\na function'));
    expect(sink.lines).toHaveLength(1);
    expect(sink.text).toContain(
      'error: lockex failed: x is not\\u{a}a function (--log-level debug shows where)',
    );
  });

  it('shows its stack and cause at level debug', () => {
    const sink = new FakeSink();
    const cause = new RangeError('the cause');
    logTo(sink, { level: 'debug' }).fail(new Error('boom', { cause }));
    expect(sink.text).toContain('lockex failed: boom\n');
    expect(sink.text).toMatch(/\n +at .*log\.test\.ts/);
    expect(sink.text).toContain('the cause');
  });

  it('can be any thrown value', () => {
    const odd = Object.assign(new Error('x'), { message: { code: 1 } });
    const others = [undefined, null, 'text', 7, {}, new Error(''), Object.create(null)];
    for (const thrown of [odd, ...others]) {
      const sink = new FakeSink();
      logTo(sink).fail(thrown);
      expect(sink.lines).toHaveLength(1);
    }
  });
});

describe('the live line', () => {
  it('is redrawn in place, stays below other lines, and is removed without traces', async () => {
    const sink = new FakeSink(true);
    const log = logTo(sink);
    expect(log.isLive).toBe(true);
    log.live('waiting for 1 s');
    log.live('waiting for 2 s');
    expect(sink.screen).toEqual(['waiting for 2 s']);
    log.write('warn', 'something');
    await log.flush();
    expect(sink.screen).toEqual([expect.stringMatching(/something$/), 'waiting for 2 s']);
    log.live(null);
    expect(sink.screen).toEqual([expect.stringMatching(/something$/), '']);
    log.write('info', 'locked');
    await log.flush();
    expect(sink.screen.slice(1)).toEqual([expect.stringMatching(/locked$/), '']);
  });

  it('is always shorter than the width of the terminal', () => {
    const sink = new FakeSink(true);
    const log = logTo(sink);
    sink.columns = 20;
    log.live('a'.repeat(300));
    expect(sink.screen).toEqual(['a'.repeat(19)]);
    sink.columns = 10;
    log.live('\u{1f600}'.repeat(300));
    expect(sink.screen).toEqual(['\u{1f600}'.repeat(9)]);
    // Characters of two columns don't wrap into a second line, which would not be cleared.
    const [, drawn = ''] = sink.text.split('\r\u001b[K').slice(-2);
    expect(drawn).toBe(`\u001b[?7l${'\u{1f600}'.repeat(9)}\u001b[?7h`);
    sink.columns = 0;
    log.live('x');
    expect(sink.screen).toEqual(['']);
  });

  it('escapes what could control the terminal', () => {
    const sink = new FakeSink(true);
    logTo(sink).live('db1\u001b[2J\n\r\u009bx');
    expect(sink.screen).toEqual(['db1\\u{1b}[2J\\u{a}\\u{d}\\u{9b}x']);
  });

  it('is removed while the job is in the background', () => {
    const sink = new FakeSink(true);
    let isForeground = true;
    const log = logTo(sink, { isForeground: () => isForeground });
    log.live('waiting for 1 s');
    isForeground = false;
    log.live('waiting for 2 s');
    expect(sink.screen).toEqual(['']);
    const before = sink.text;
    log.live('waiting for 3 s');
    expect(sink.text).toBe(before);
    isForeground = true;
    log.live('waiting for 4 s');
    expect(sink.screen).toEqual(['waiting for 4 s']);
  });

  it.each<[string, FakeSink, Partial<LogOptions>]>([
    ['a file', new FakeSink(false), {}],
    ['a dumb terminal', new FakeSink(true), { env: { TERM: 'dumb' } }],
    ['-q', new FakeSink(true), { level: 'warn' }],
  ])('is not drawn for %s', (_, sink, options) => {
    const log = logTo(sink, options);
    expect(log.isLive).toBe(false);
    log.live('waiting');
    log.live(null);
    expect(sink.text).toBe('');
  });

  it('is gone before a failure is printed', () => {
    const sink = new FakeSink(true);
    const log = logTo(sink);
    log.live('waiting for 1 s');
    log.fail(new Error('boom'));
    expect(sink.screen).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ lockex: .*boom/),
      '',
    ]);
  });
});
