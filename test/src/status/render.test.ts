/** Locks as tables of text. */
import { expect, it } from 'vitest';
import { renderLocks } from '../../../src/status/render.ts';
import { type ContenderView, freeLock, type LockView } from '../../../src/status/view.ts';

const contender = (more: Partial<ContenderView> = {}): ContenderView => ({
  node: 'g__lock__0000000001',
  by: 'lockex',
  shared: false,
  host: 'db1',
  pid: 4711,
  user: 'redis',
  command: 'redis-server',
  says: null,
  since: '2026-01-02T03:04:05.678Z',
  fencingToken: null,
  ...more,
});

const held = (more: Partial<LockView> = {}): LockView => ({
  ...freeLock('redis', '/lockex/redis'),
  holders: [contender({ fencingToken: '12884901890' })],
  ...more,
});

const render = (views: readonly LockView[], columns = 80) =>
  renderLocks(views, { columns, place: '/apps/lockex' }).join('\n');

it('shows holder and waiters in columns', () => {
  const waiters = [contender({ host: 'db2', pid: 12 }), contender({ host: 'db10', pid: 99999 })];
  expect(render([held({ waiters })])).toBe(
    [
      'redis: held, 2 waiting',
      '         host  pid    user   command       since                 token',
      '  holds  db1   4711   redis  redis-server  2026-01-02 03:04:05Z  12884901890',
      '  1.     db2   12     redis  redis-server  2026-01-02 03:04:05Z',
      '  2.     db10  99999  redis  redis-server  2026-01-02 03:04:05Z',
    ].join('\n'),
  );
});

it('shows ? for an unknown time', () => {
  const [, , row] = render([held({ holders: [contender({ since: null })] })]).split('\n');
  expect(row).toMatch(/redis-server {2}\?$/);
});

it('shows one line per free lock, and separates tables with empty lines', () => {
  const views = [freeLock('a', '/x/a'), freeLock('b', '/x/b'), held(), freeLock('c', '/x/c')];
  const lines = render(views).split('\n');
  expect(lines.slice(0, 4)).toEqual(['a: free', 'b: free', '', 'redis: held']);
  expect(lines.slice(-2)).toEqual(['', 'c: free']);
});

it('shows how many permits of a semaphore are held', () => {
  expect(render([held({ kind: 'semaphore', permits: 3 })])).toContain(
    'redis: semaphore, 1 of 3 held\n',
  );
});

it('reports that there are no locks', () => {
  expect(render([])).toBe('no locks under /apps/lockex');
});

it('shows the data of contenders of other libraries', () => {
  const kazoo = contender({ by: 'kazoo', host: null, pid: null, user: null, command: null });
  const text = render([
    held({ holders: [{ ...kazoo, says: 'the python side' }], waiters: [kazoo] }),
  ]);
  expect(text).toMatch(/holds +the python side +\(kazoo\)/);
  expect(text).toMatch(/1\. +g__lock__0000000001 +\(kazoo\)/);
});

it.each([80, 100, 60])('fits %i columns, even with long names', (columns) => {
  const long = contender({
    host: 'h'.repeat(300),
    user: 'u'.repeat(300),
    command: 'c'.repeat(300),
  });
  const text = render([held({ holders: [{ ...long, fencingToken: '1'.repeat(19) }] })], columns);
  const widest = Math.max(...text.split('\n').map((line) => line.length));
  // At least eight characters of each of the three names remain.
  expect(widest).toBeLessThanOrEqual(Math.max(columns, 89));
});

it('escapes terminal control sequences', () => {
  const evil = '\u001b[2J\r\n\u202e';
  const views = [
    held({ holders: [contender({ host: evil, user: evil, command: evil })] }),
    held({ holders: [contender({ by: 'kazoo', host: null, says: evil })] }),
    freeLock(evil, '/x'),
  ];
  expect(render(views).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(render(views).split('\n').length).toBeLessThan(12);
});
