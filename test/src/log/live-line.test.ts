/** The live line of a terminal, which shows how long lockex has waited, and for which contender. */
import { describe, expect, it } from 'vitest';
import { type Fact, narrated, queued } from './narration.ts';

describe('the live line', () => {
  it('counts the time, and is drawn once a second however busy the queue is', async () => {
    const life = narrated({}, true);
    life.hear('session.established', queued({ position: 4 }));
    await life.settled();
    expect(life.sink.screen.at(-1)).toContain('waiting for 0 s: db1 pid 4711');
    const before = life.sink.text;
    for (let place = 50; place > 2; place -= 1) life.hear(queued({ position: place }));
    expect(life.sink.text).toBe(before);
    life.clock.pass(1000);
    expect(life.sink.screen.at(-1)).toContain('waiting for 1 s: db1 pid 4711');
    expect(life.sink.screen.at(-1)).toContain('3rd in the queue');
    life.clock.pass(3_661_000);
    expect(life.sink.screen.at(-1)).toContain('waiting for 1 h 1 min: db1');
  });

  it('is not also written as log lines', () => {
    const life = narrated({}, true);
    life.hear('session.established', queued({ position: 3 }));
    expect(life.news()).toHaveLength(3);
    life.hear(queued({ position: 2 }), queued({ position: 1 }));
    life.clock.pass(10_000);
    expect(life.news()).toEqual([]);
  });

  it.each<[string, Fact]>([
    ['the lock is granted, before the command starts', 'lock.granted'],
    ['the connection is gone', 'session.suspended'],
    ['the session is lost', 'session.lost (expired)'],
    ['a signal ends it', 'signal INT'],
  ])('is removed for good when %s', async (_, fact) => {
    const life = narrated({}, true);
    life.hear('session.established', queued({}));
    life.clock.pass(5000);
    await life.settled();
    expect(life.sink.screen.at(-1)).toContain('waiting for 5 s');
    life.hear(fact);
    await life.settled();
    expect(life.sink.screen.at(-1)).toBe('');
    expect(life.clock.timers).toBe(0);
    const before = life.sink.text;
    life.clock.pass(60_000);
    expect(life.sink.text).toBe(before);
  });

  it('is gone after dispose', () => {
    const life = narrated({}, true);
    life.hear('session.established', queued({}));
    life.reporter.dispose();
    expect(life.sink.screen.at(-1)).toBe('');
    expect(life.clock.timers).toBe(0);
  });

  it('continues to count after an interruption', async () => {
    const life = narrated({}, true);
    life.hear('session.established', queued({}));
    life.clock.pass(7000);
    life.hear('session.suspended', 'session.resumed', queued({}));
    await life.settled();
    expect(life.sink.screen.at(-1)).toContain('waiting for 7 s');
  });

  it('is not drawn, and has no timer, if there is no terminal', () => {
    const life = narrated();
    life.hear('session.established', queued({ position: 2 }), queued({ position: 1 }));
    expect(life.clock.timers).toBe(0);
    expect(life.news().slice(2)).toEqual([
      expect.stringContaining('2nd in the queue'),
      expect.stringContaining('next in the queue'),
    ]);
  });
});
