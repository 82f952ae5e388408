/** Repeated lines are counted; with a simulated clock. */
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/log/log.ts';
import { Repetitions, SPAN_MS, WRITTEN_LINES } from '../../../src/log/repetition.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { FakeSink } from '../cli/fakes.ts';

function counting() {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const repetitions = new Repetitions<{ level: 'warn'; message: string }>(clock, ({ message }) =>
    lines.push(message),
  );
  const write = (message: string) => {
    if (repetitions.admits({ level: 'warn', message })) lines.push(message);
  };
  return { clock, lines, write, repetitions };
}

describe('a line that repeats', () => {
  it('is written a few times, then counted', () => {
    const { clock, lines, write } = counting();
    for (let times = 0; times < 1000; times += 1) {
      clock.pass(1);
      write('suspended');
      write('waiting');
    }
    expect(lines).toHaveLength(2 * WRITTEN_LINES);
    clock.pass(SPAN_MS);
    expect(lines.slice(2 * WRITTEN_LINES)).toEqual([
      'suspended (repeated 990 times in 10 s)',
      'waiting (repeated 990 times in 10 s)',
    ]);
  });

  it('takes one line per span while it continues, and is written again after a pause', () => {
    const { clock, lines, write } = counting();
    const repeat = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        write('x');
        clock.pass(100);
      }
    };
    repeat(10 * SPAN_MS);
    expect(lines.length).toBeLessThanOrEqual(WRITTEN_LINES + 10);
    expect(lines.length).toBeGreaterThanOrEqual(WRITTEN_LINES + 9);
    clock.pass(3 * SPAN_MS);
    lines.length = 0;
    write('x');
    expect(lines).toEqual(['x']);
    expect(clock.timers).toBe(0);
  });

  it('is written each time if it is rare or differs', () => {
    const { clock, lines, write } = counting();
    for (let times = 0; times < 100; times += 1) {
      write('rare');
      clock.pass(SPAN_MS);
    }
    for (let times = 0; times < 1000; times += 1) write(`line ${times}`);
    expect(lines).toHaveLength(1100);
    expect(clock.timers).toBe(0);
  });
});

it('the log writes pending counts before it ends', async () => {
  const [sink, clock] = [new FakeSink(), new SimulatedClock()];
  const options = { format: 'json', level: 'info', lockId: 'the-lock', pid: 42 } as const;
  const log = createLog({ ...options, sink, clock, startMs: 60_000 });
  for (let times = 0; times < WRITTEN_LINES + 3; times += 1) {
    log.write('warn', 'suspended: gone', { state: 'suspended.waiting', number: times });
  }
  await log.flush();
  expect(sink.lines).toHaveLength(WRITTEN_LINES + 1);
  expect(JSON.parse(sink.lines.at(-1) ?? '')).toMatchObject({
    ...{ level: 'warn', state: 'suspended.waiting', number: WRITTEN_LINES + 2 },
    message: 'suspended: gone (repeated 3 times in 1 s)',
  });
});
