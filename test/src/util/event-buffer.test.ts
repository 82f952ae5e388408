import { expect, it } from 'vitest';
import { EventBuffer } from '../../../src/util/event-buffer.ts';

it('buffers events until a listener is attached, and delivers each once, in order', () => {
  const eventBuffer = new EventBuffer<number>();
  const heard: number[] = [];
  eventBuffer.emit(1);
  eventBuffer.emit(2);
  eventBuffer.listen((event) => heard.push(event));
  expect(heard).toEqual([1, 2]);
  eventBuffer.emit(3);
  expect(heard).toEqual([1, 2, 3]);
});
