import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DeferredQueue } from '../../../src/observers/deferred-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function onlookers() {
  const told: string[] = [];
  return { told, some: new DeferredQueue<string>(10, (transition) => told.push(transition)) };
}

it('they are told later, in order', () => {
  const { told, some } = onlookers();
  some.push('a');
  vi.advanceTimersByTime(5);
  some.push('b');
  expect(told).toEqual([]);
  vi.advanceTimersByTime(5);
  expect(told).toEqual(['a', 'b']);
  some.push('c');
  vi.advanceTimersByTime(10);
  expect(told).toEqual(['a', 'b', 'c']);
});

it('or at once, where there is no later, and not again', () => {
  const { told, some } = onlookers();
  some.push('a');
  some.tellAll();
  expect(told).toEqual(['a']);
  vi.advanceTimersByTime(20);
  expect(told).toEqual(['a']);
});
