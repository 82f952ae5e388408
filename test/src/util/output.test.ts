/** Foreign text never reaches a terminal with characters that could control it or forge a line. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { quoted } from '../../../src/cli/usage-error.ts';
import { createLog } from '../../../src/log/log.ts';
import { onStateProgram } from '../../../src/observers/hooks/on-state.ts';
import { notifyProgram } from '../../../src/observers/hooks/systemd.ts';
import { renderLocks } from '../../../src/status/render.ts';
import { freeLock, viewOf } from '../../../src/status/view.ts';
import { printError, standardOutput } from '../../../src/util/output.ts';
import { blanked, escaped, escapedJson, printable } from '../../../src/util/printable.ts';
import { labelOf } from '../../../src/zookeeper/recipes/node-data.ts';
import { FakeSink } from '../cli/fakes.ts';

/** Every control character; of each other kind the first, the last and the best known. */
const HOSTILE: readonly number[] = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
  // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul fillers, Khmer and Mongolian vowels.
  ...[0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180e],
  // Zero-width space, non-joiner and joiner; marks, embeddings, overrides and isolates of bidi
  // text.
  ...[0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  ...[0x2060, 0x2064, 0x2066, 0x2067, 0x2068, 0x2069, 0x206f],
  // Line and paragraph separator.
  ...[0x2028, 0x2029],
  // Lone surrogates; private use; variation selectors; byte order mark; annotations; tags.
  ...[0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xf8ff, 0xfe00, 0xfe0f, 0xfeff, 0xfff9, 0xfffb],
  ...[0x3164, 0xffa0, 0x1d173, 0xe0001, 0xe007f, 0xe0100, 0xf0000, 0x10fffd],
];
const NAMES: readonly (readonly [string, string])[] = HOSTILE.map((code) => [
  `U+${code.toString(16).toUpperCase().padStart(4, '0')}`,
  String.fromCodePoint(code),
]);
const FORGED = 'x\u001b]0;t\u0007\u009b2J\r\n2026-11-27T12:00:00Z lockex: done\u2028\u202egnp.exe';

describe('a hostile character', () => {
  it.each(NAMES)('%s is escaped by every function that makes text printable', (_, character) => {
    const text = `a${character}b`;
    const code = character.codePointAt(0)?.toString(16);
    expect(escaped(text)).toBe(`a\\u{${code}}b`);
    expect(escaped(escaped(text))).toBe(escaped(text));
    expect(printable(text, 60)).toBe(escaped(text));
    expect(quoted(text)).toBe(`'${escaped(text)}'`);
    expect(blanked(text)).toBe('a b');
    expect(labelOf(Buffer.from(text))).toMatch(/^a[ \ufffd]+b$/);
    const json = escapedJson(JSON.stringify({ text }));
    expect(json).not.toContain(character);
    expect(JSON.parse(json)).toEqual({ text });
  });
});

it('ordinary text of any script stays as it is', () => {
  for (const text of ['redis-1', 'größe', '日本語', 'مرحبا', 'עברית', '😀', 'a\u0301', '…', ' ']) {
    expect(escaped(text)).toBe(text);
  }
});

/** Captures what is written to a stream of this process while `action` runs. */
async function written(stream: NodeJS.WriteStream, run: () => unknown): Promise<string> {
  let text = '';
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  await run();
  spy.mockRestore();
  return text;
}

/** Exactly these lines, without unprintable characters. */
function expectLines(text: string, count: number): void {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  expect(lines).toHaveLength(count);
  for (const line of lines) expect(line).toBe(escaped(line));
}

describe('hostile text is one clean line', () => {
  it('on standard output', async () => {
    const { stdout } = process;
    expectLines(await written(stdout, () => standardOutput().print([FORGED, FORGED])), 2);
    const drawn = await written(stdout, () => standardOutput().reprint([FORGED], 3));
    expect(drawn.startsWith('\u001b[3A\r\u001b[J')).toBe(true);
    expectLines(drawn.slice('\u001b[3A\r\u001b[J'.length), 1);
  });

  it('on standard error', async () => {
    expectLines(await written(process.stderr, () => printError(FORGED)), 1);
    expectLines(await written(process.stderr, () => printError(FORGED, [FORGED, FORGED])), 3);
  });

  it.each(['text', 'json'] as const)('in the log, as %s', async (format) => {
    const sink = new FakeSink();
    const options = { format, level: 'debug', lockId: FORGED, pid: 1, env: {}, sink } as const;
    const log = createLog(options);
    log.write('info', FORGED, { server: FORGED, [FORGED]: [FORGED], state: FORGED });
    await log.flush();
    expectLines(sink.text, 1);
    sink.text = '';
    log.fail(new Error(FORGED));
    const lines = sink.text.split('\n');
    expect(sink.text).not.toContain('\n2026-11-27T12:00:00Z lockex: done');
    for (const line of lines) expect(line).toBe(escaped(line));
  });

  it('in a table of locks', () => {
    const child = { name: `${FORGED}__lock__0000000001`, data: Buffer.from(FORGED), ctime: 0 };
    const nodes = { data: undefined, children: [{ ...child, czxid: 1n }], queue: [] };
    const options = { columns: 80, place: FORGED };
    const table = renderLocks([viewOf(FORGED, FORGED, nodes), freeLock(FORGED, FORGED)], options);
    expectLines(`${table.join('\n')}\n`, table.length);
    expect(table).toHaveLength(5);
    expectLines(`${renderLocks([], options).join('\n')}\n`, 1);
  });

  it('in the environment of hooks', () => {
    const change = { state: 'lost', from: '', reason: FORGED, fencingToken: null, exitCode: null };
    const { env } = onStateProgram('true', 'id', {})(change);
    expect(env['LOCKEX_REASON']).toBe(escaped(FORGED));
    const notified = notifyProgram('waiting', { NOTIFY_SOCKET: 'x' })(change);
    for (const arg of notified?.args ?? []) expect(arg).toBe(escaped(arg));
  });
});
