/** What hostile input may cost, counted in operations: time would depend on the machine. */
import { CAC } from 'cac';
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { nearestTo } from '../../src/cli/suggest.ts';
import { lockPath, zookeeperHosts } from '../../src/cli/values.ts';
import { type ChildNode, viewOf } from '../../src/status/view.ts';
import { printable } from '../../src/util/printable.ts';
import { decodeNodeData, encodeNodeData, labelOf } from '../../src/zookeeper/recipes/node-data.ts';
import { permitsIn } from '../../src/zookeeper/recipes/semaphore.ts';
import { FrameReader } from '../../src/zookeeper/session/frames.ts';

/** What all calls of a method cost while this runs. */
function costOf(
  owner: object,
  method: PropertyKey,
  cost: (self: never, ...args: never[]) => number,
  run: () => void,
): number {
  const original = Reflect.get(owner, method);
  let sum = 0;
  Reflect.set(owner, method, function counted(this: never, ...args: never[]) {
    sum += cost(this, ...args);
    return Reflect.apply(original, this, args);
  });
  try {
    run();
  } finally {
    Reflect.set(owner, method, original);
  }
  return sum;
}

describe('a command line', () => {
  const MANY = 20_000;
  const args =
    (...all: string[]) =>
    () =>
      void parseCommandLine([...all, '--', 'true'], {});
  const options = Array.from({ length: MANY }, (_, index) => ['-t', String(index)]).flat();

  it('of many options is not shifted one by one, and cac gets each name once', () => {
    const length = (self: readonly unknown[]) => self.length;
    expect(costOf(Array.prototype, 'shift', length, args(...options))).toBeLessThan(MANY);
    expect(costOf(CAC.prototype, 'option', () => 1, args(...options, '-q'))).toBe(2);
    expect(
      costOf(CAC.prototype, 'parse', (_, argv: string[]) => argv.length, args(...options)),
    ).toBe(3);
    const parsed = parseCommandLine([...options, '--', 'true'], {});
    expect(parsed).toMatchObject({ settings: { machine: { waitMs: (MANY - 1) * 1000 } } });
  });

  it('of many letters in one argument is read', () => {
    expect(parseCommandLine([`-${'q'.repeat(131_000)}`, '--', 'true'], {})).toMatchObject({
      settings: { observers: { log: { level: 'warn' } } },
    });
  });

  it('with a long unknown option is not compared letter by letter', () => {
    const compare = () => void nearestTo(`--${'x'.repeat(131_000)}`, ['--timeout', '--lockid']);
    expect(costOf(Array.prototype, 'push', () => 1, compare)).toBeLessThan(100);
  });

  it('may have any number of slashes', () => {
    const slashes = '/'.repeat(130_000);
    expect(lockPath('-p', `${slashes}a/b${slashes}`)).toBe('a/b');
    expect(() => lockPath('-p', `a${slashes}b`)).toThrow('has an empty component');
    expect(zookeeperHosts('-z', `zk1/a${slashes}`).chroot).toBe('/a');
  });
});

describe('an answer of a server', () => {
  const frame = Buffer.alloc(4 + 65_536, 7);
  frame.writeInt32BE(65_536);

  /** Bytes that are copied or allocated while this frame is read, `piece` bytes at a time. */
  function costOfReading(piece: number) {
    let read: Buffer | null = null;
    const all = () => {
      const reader = new FrameReader();
      for (let at = 0; at < frame.length; at += piece) {
        expect(read).toBeNull();
        reader.push(frame.subarray(at, at + piece));
        read = reader.next(frame.length);
      }
    };
    let allocated = 0;
    const copied = costOf(
      Buffer.prototype,
      'copy',
      (self: Buffer) => self.length,
      () => {
        allocated = costOf(Buffer, 'allocUnsafeSlow', (_, size: number) => size, all);
      },
    );
    expect(Buffer.compare(read ?? Buffer.alloc(0), frame)).toBe(0);
    return { copied, allocated };
  }

  it.each([1, 7, 1024, 40_000])('in pieces of %i bytes is copied a few times at most', (piece) => {
    const { copied, allocated } = costOfReading(piece);
    expect(copied).toBeLessThanOrEqual(3 * frame.length);
    expect(allocated).toBeLessThanOrEqual(6 * frame.length);
  });

  it('in one piece is not copied at all', () => {
    expect(costOfReading(frame.length)).toEqual({ copied: 0, allocated: 0 });
  });

  it('that is announced and does not come takes no memory', () => {
    const reader = new FrameReader();
    const begin = () => {
      reader.push(Buffer.from([3, 0, 0, 0]));
      reader.push(Buffer.from([1]));
      expect(reader.next(64 * 1024 * 1024)).toBeNull();
    };
    expect(costOf(Buffer, 'allocUnsafeSlow', (_, size: number) => size, begin)).toBeLessThan(100);
  });

  it('is kept as it was when the next one comes', () => {
    const reader = new FrameReader();
    const [one, other] = [Buffer.from([0, 0, 0, 2, 1, 2]), Buffer.from([0, 0, 0, 2, 3, 4])];
    const stream = Buffer.concat([one, other]);
    for (const piece of [stream.subarray(0, 3), stream.subarray(3, 8)]) reader.push(piece);
    const first = reader.next(100);
    reader.push(stream.subarray(8));
    const second = reader.next(100);
    expect([first, second]).toEqual([one, other]);
    expect(reader.next(100)).toBeNull();
  });

  it.each([-1, -(2 ** 31), 101])('of %i bytes is refused', (size) => {
    const reader = new FrameReader();
    const head = Buffer.alloc(4);
    head.writeInt32BE(size);
    reader.push(head);
    expect(() => reader.next(100)).toThrow(`a frame of ${size} bytes`);
  });
});

describe('a neighbour’s node', () => {
  const brackets = Buffer.alloc(10_000_000, '[');

  it('of 10 MB is not parsed, and shown in part', () => {
    const look = () => {
      expect(decodeNodeData(brackets)).toBeNull();
      expect(labelOf(brackets)).toBe('['.repeat(120));
      expect(permitsIn(brackets)).toBeNull();
      expect(permitsIn(Buffer.alloc(10_000_000, '9'))).toBeNull();
    };
    expect(costOf(JSON, 'parse', () => 1, look)).toBe(0);
    expect(
      costOf(
        Buffer.prototype,
        'toString',
        (_, __, ___, end: number | undefined) => end ?? 1e9,
        look,
      ),
    ).toBeLessThan(10_000);
  });

  it('may have all that lockex writes, however long names are', () => {
    const long = '\u0001'.repeat(100_000);
    const data = encodeNodeData({ host: long, pid: 1, user: long, command: long, version: long });
    expect(decodeNodeData(data)?.host).toHaveLength(300);
  });

  it('whose pid is not a whole number was not written by lockex', () => {
    const node = (pid: string) =>
      Buffer.from(`{"host":"h","pid":${pid},"user":"u","command":"c","version":"1"}`);
    expect(decodeNodeData(node('1'))).not.toBeNull();
    for (const pid of ['1e999', '1.5', '"1"', 'null']) expect(decodeNodeData(node(pid))).toBeNull();
  });

  it.each(['__lock__', '__rlock__', '-lock-'])(
    'among 20,000 with %s is not searched for',
    (mark) => {
      const MANY = 20_000;
      let looks = 0;
      const children = Array.from({ length: MANY }, (_, index): ChildNode => {
        const node = `g${index}${mark}${String(index).padStart(10, '0')}`;
        return {
          get name() {
            looks += 1;
            return node;
          },
          ...{ data: undefined, ctime: 0, czxid: BigInt(index) },
        };
      });
      const view = viewOf('x', '/lockex/x', { data: undefined, children, queue: [] });
      expect(view.holders.length + view.waiters.length).toBe(MANY);
      expect(view.holders).toHaveLength(mark === '__rlock__' ? MANY : 1);
      expect(looks).toBeLessThan(10 * MANY);
      looks = 0;
      const pool = { data: Buffer.from('3'), children: [], queue: children };
      expect(viewOf('x', '/lockex/x', pool).waiters).toHaveLength(MANY);
      expect(looks).toBeLessThan(10 * MANY);
    },
  );

  it('has a name of which no more is looked at than is shown', () => {
    const show = () => void printable('x'.repeat(10_000_000), 60);
    const length = (self: string) => self.length;
    expect(costOf(String.prototype, Symbol.iterator, length, show)).toBeLessThan(200);
    expect(printable('\u{1f600}'.repeat(61), 60)).toBe(`${'\u{1f600}'.repeat(60)}…`);
    expect(printable('\u{1f600}'.repeat(60), 60)).toBe('\u{1f600}'.repeat(60));
  });
});
