import { expect, it } from 'vitest';
import { Outlet } from '../../../src/util/event-buffer.ts';

it('what is told before anybody listens is kept, in order, and told once', () => {
  const outlet = new Outlet<number>();
  const heard: number[] = [];
  outlet.tell(1);
  outlet.tell(2);
  outlet.listen((event) => heard.push(event));
  expect(heard).toEqual([1, 2]);
  outlet.tell(3);
  expect(heard).toEqual([1, 2, 3]);
});
