import { expect, it } from 'vitest';
import { EventBuffer } from '../../../src/util/event-buffer.ts';

it('what is told before anybody listens is kept, in order, and told once', () => {
  const eventBuffer = new EventBuffer<number>();
  const heard: number[] = [];
  eventBuffer.tell(1);
  eventBuffer.tell(2);
  eventBuffer.listen((event) => heard.push(event));
  expect(heard).toEqual([1, 2]);
  eventBuffer.tell(3);
  expect(heard).toEqual([1, 2, 3]);
});
