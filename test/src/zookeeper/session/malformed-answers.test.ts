/**
 * Frames that no healthy server sends: upon each, a connection settles its request or ends, once,
 * at no more than the cost of the frame's size. The frames are generated from a seed:
 * LOCKEX_FUZZ_SEED replays a failure, LOCKEX_FUZZ_FRAMES is their number (a million take most of a
 * minute).
 */
import { describe, expect, it } from 'vitest';
import { type Random, randomOf } from '../../../support/random.ts';
import { framed, int, long, STAT } from '../scripted-server.ts';
import { type Wired, wired } from '../wire.ts';
import {
  AUTHENTICATED,
  CHROOT,
  EXCHANGES,
  type Exchange,
  HANDSHAKE,
  text,
  XID,
} from './answer-frames.ts';

const SEED = Number(process.env['LOCKEX_FUZZ_SEED'] ?? 20_261_127);
const FRAMES = Number(process.env['LOCKEX_FUZZ_FRAMES'] ?? 200_000);
const PER_TURN = 10_000;

type Outcome = 'answered' | 'failed' | 'ended' | 'none';

/** The last frame that a connection receives, and the request before it. */
interface Subject {
  readonly frame: Buffer;
  /** null: the frame answers the handshake or the authentication. */
  readonly exchange: Exchange | null;
  readonly authenticates: boolean;
}

/** On a new connection. `around` measures the cost of the frame. */
function outcomeOf(
  { frame, exchange, authenticates }: Subject,
  around = (run: () => void) => run(),
): Outcome {
  const wire = wired({ authenticates });
  if (exchange !== null || authenticates) receive(wire, HANDSHAKE);
  const outcomes: Outcome[] = [];
  const request = exchange?.request?.() ?? null;
  if (request !== null) {
    wire.connection.queue(request, (error) => outcomes.push(error ? 'failed' : 'answered'));
  }
  // A copy: nothing that is kept may share the frame's memory.
  const received = Buffer.from(frame);
  around(() => wire.wire.emit('data', received));
  const hasEnded = wire.ends.length > 0;
  if (wire.ends.length > 1 || outcomes.length > 1) throw new Error('reported twice');
  if (!hasEnded && !wire.connection.isAttached) throw new Error('neither attached nor ended');
  if (hasEnded !== wire.wire.destroyed) throw new Error('the socket outlives the connection');
  if (hasEnded && request !== null && outcomes.length === 0) throw new Error('left unanswered');
  return hasEnded ? 'ended' : (outcomes[0] ?? 'none');
}

const answeredWith = (frame: Buffer, exchange: Exchange): Subject => ({
  frame,
  exchange,
  authenticates: false,
});

function receive({ wire }: Wired, frame: Buffer): void {
  wire.emit('data', Buffer.from(frame));
}

describe('an answer of a healthy server', () => {
  it.each(EXCHANGES)('$name is decoded', (exchange) => {
    const isError = exchange.name.startsWith('an error');
    const expected = exchange.request === null ? 'none' : isError ? 'failed' : 'answered';
    expect(outcomeOf(answeredWith(exchange.answer, exchange))).toBe(expected);
  });

  it('to the handshake is decoded, also that of an older server', () => {
    const older = framed(HANDSHAKE.subarray(4, HANDSHAKE.length - 1));
    for (const frame of [HANDSHAKE, older]) {
      expect(outcomeOf({ frame, exchange: null, authenticates: false })).toBe('none');
    }
    const frame = AUTHENTICATED;
    expect(outcomeOf({ frame, exchange: null, authenticates: true })).toBe('none');
  });
});

const exchangeOf = (name: string) => EXCHANGES.find((each) => each.name === name) ?? EXCHANGES[0];
const answering = (...body: readonly Buffer[]) => framed(int(XID), long(7n), int(0), ...body);
const created = text(`${CHROOT}/x`);
const result = (type: number, isDone = 0, err = 0) =>
  Buffer.concat([int(type), Buffer.from([isDone]), int(err)]);
const END = result(-1, 1, -1);

describe('a malformed answer ends the connection', () => {
  it.each([
    // The library reads the same bytes for ever here.
    ['multi', 'a path of -13 bytes', answering(result(1), int(-13))],
    ['multi', 'no results', answering(END)],
    ['multi', 'more results', answering(result(13), result(1), created, result(13), END)],
    ['multi', 'results of other operations', answering(result(1), created, result(13), END)],
    ['multi', 'errors with code 0', answering(result(-1), int(0), result(-1), int(0), END)],
    ['multi', 'partly carried out', answering(result(13), result(-1), int(-101), END)],
    ['multi', 'no end', answering(result(13), result(1), created)],
    ['getChildren2', 'two billion names', answering(int(2 ** 31 - 1), int(-4))],
    ['getChildren2', 'a null list', answering(int(-1), STAT)],
    ['getChildren2', 'a null name', answering(int(1), int(-1), STAT)],
    ['create', 'a null path', answering(int(-1))],
    ['create', 'a path outside of the chroot', answering(text('/x'))],
    ['getData', 'a length beyond the frame', answering(int(1000), STAT)],
    ['getData', 'a length of -2', answering(int(-2), STAT)],
    ['exists', 'half a stat', answering(STAT.subarray(0, 34))],
    ['exists', 'bytes behind the stat', answering(STAT, int(0))],
    ['delete', 'the answer to another request', framed(int(XID + 1), long(7n), int(0))],
    ['ping', 'an answer without a request', answering()],
    ['ping', 'no header', framed(int(-2))],
    ['ping', 'a failed authentication, unasked', framed(int(-4), long(0n), int(-115))],
    ['ping', 'an authentication, unasked', framed(int(-4), long(0n), int(0))],
    ['ping', 'an answer to watches', framed(int(-8), long(0n), int(0))],
    ['a watch event', 'no path', framed(int(-1), long(0n), int(0), int(2), int(3), int(-1))],
  ])('%s: %s', (name, _, frame) => {
    expect(outcomeOf(answeredWith(frame, exchangeOf(name)))).toBe('ended');
  });

  it('with the reason, once', () => {
    const wire = wired();
    receive(wire, HANDSHAKE);
    receive(wire, framed(int(-4), long(0n), int(-115)));
    receive(wire, framed(int(-4), long(0n), int(-115)));
    expect(wire.ends).toEqual([
      { kind: 'failed', message: 'protocol error: an unexpected answer (xid -4)' },
    ]);
    expect(wire.lines).toEqual([]);
  });
});

it.each([-4, -3, 0, 3])('a state that the library sets by itself (%i) ends it', (state) => {
  const wire = wired();
  receive(wire, HANDSHAKE);
  wire.connection.setState(state);
  expect(wire.ends).toHaveLength(1);
});

describe('of random and mutated frames', () => {
  it(
    `${FRAMES} are answered or end the connection, at the cost of their size`,
    async () => {
      const random = randomOf(SEED, 'frames');
      const outcomes = new Map<Outcome, number>();
      for (let number = 0; number < FRAMES; number += 1) {
        // Lets the test runner have a turn now and then.
        if (number % PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
        const subject = generated(random);
        const outcome = outcomeOrThrow(subject, number);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      // Every outcome was reached.
      for (const outcome of ['answered', 'failed', 'ended', 'none'] as const) {
        expect(outcomes.get(outcome), outcome).toBeGreaterThan(FRAMES / 1000);
      }
    },
    // Generous, for a busy machine: the bounds above are the test.
    30 * 60_000,
  );
});

function outcomeOrThrow(subject: Subject, number: number): Outcome {
  const { frame, exchange } = subject;
  try {
    return outcomeOf(subject, (run) => {
      const { reads, bytes } = costOf(run);
      // Includes the message about a refused frame.
      if (reads > frame.length) throw new Error(`${reads} reads`);
      if (bytes > 2 * frame.length) throw new Error(`${bytes} bytes`);
    });
  } catch (error) {
    const which = `frame ${number} of seed ${SEED} (${exchange?.name}): ${frame.toString('hex')}`;
    throw new Error(`${which}: ${error}`, { cause: error });
  }
}

/** The reads and copies of a connection while this runs. */
function costOf(run: () => void): { readonly reads: number; readonly bytes: number } {
  const cost = { reads: 0, bytes: 0 };
  const restore = [
    spied(Buffer.prototype, 'readInt32BE', () => cost.reads++),
    spied(Buffer.prototype, 'readUInt8', () => cost.reads++),
    spied(Buffer.prototype, 'toString', (text: string) => (cost.bytes += text.length)),
    spied(Buffer, 'from', (made) => (cost.bytes += made.length)),
    spied(Buffer, 'alloc', (made) => (cost.bytes += made.length)),
  ];
  try {
    run();
  } finally {
    for (const undo of restore) undo();
  }
  return cost;
}

/** Returns a function that undoes it. */
function spied<K extends string, R>(
  owner: Readonly<Record<K, (...args: never[]) => R>>,
  method: K,
  report: (result: R) => void,
): () => void {
  const original = owner[method];
  Reflect.set(owner, method, function seen(this: unknown, ...args: never[]) {
    const result = Reflect.apply(original, this, args);
    report(result);
    return result;
  });
  return () => void Reflect.set(owner, method, original);
}

const SUBJECTS: readonly [Subject, ...Subject[]] = [
  { frame: HANDSHAKE, exchange: null, authenticates: false },
  { frame: AUTHENTICATED, exchange: null, authenticates: true },
  ...EXCHANGES.map((exchange) => answeredWith(exchange.answer, exchange)),
];

function generated(random: Random): Subject {
  const subject = random.pick(SUBJECTS);
  const body = random.chance(0.1) ? noise(random) : mutated(random, subject.frame.subarray(4));
  return { ...subject, frame: framed(body) };
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.below(120) }, () => random.below(256)));
}

/** Lengths, types and codes with a meaning in some frame. */
const NUMBERS = [
  ...[0, 1, -1, -2, -4, -8, -13, -101, -112, -115, -125, 2, 3, 13, 1000],
  ...[2 ** 31 - 1, -(2 ** 31), 2 ** 16, 2 ** 24],
] as [number, ...number[]];

/** One to three changes. */
function mutated(random: Random, original: Buffer): Buffer {
  let body: Buffer = Buffer.from(original);
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(body.length + 1);
    switch (random.below(5)) {
      case 0:
        if (at < body.length) body.writeUInt8(random.below(256), at);
        break;
      case 1:
        if (at + 4 <= body.length) body.writeInt32BE(random.pick(NUMBERS), at);
        break;
      case 2:
        body = body.subarray(0, at);
        break;
      case 3:
        body = Buffer.concat([
          body.subarray(0, at),
          noise(random).subarray(0, 8),
          body.subarray(at),
        ]);
        break;
      default: {
        const other = random.pick(EXCHANGES).answer;
        body = Buffer.concat([body.subarray(0, at), other.subarray(random.below(other.length))]);
      }
    }
  }
  return body;
}
