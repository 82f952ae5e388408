import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DeferredQueue } from '../../../src/observers/deferred-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function deferred() {
  const delivered: string[] = [];
  const queue = new DeferredQueue<string>(10, (transition) => delivered.push(transition));
  return { delivered, queue };
}

it('transitions are delivered later, in order', () => {
  const { delivered, queue } = deferred();
  queue.push('a');
  vi.advanceTimersByTime(5);
  queue.push('b');
  expect(delivered).toEqual([]);
  vi.advanceTimersByTime(5);
  expect(delivered).toEqual(['a', 'b']);
  queue.push('c');
  vi.advanceTimersByTime(10);
  expect(delivered).toEqual(['a', 'b', 'c']);
});

it('flush delivers them at once, and only once', () => {
  const { delivered, queue } = deferred();
  queue.push('a');
  queue.flush();
  expect(delivered).toEqual(['a']);
  vi.advanceTimersByTime(20);
  expect(delivered).toEqual(['a']);
});
