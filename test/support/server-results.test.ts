/** The table of docs/servers.md: scripts/servers/server-results.ts. */
import { expect, it } from 'vitest';
import { findLine, RELEASE_LINES, variableOf } from '../../scripts/servers/release-lines.ts';
import { suitesOf, tableOf } from '../../scripts/servers/server-results.ts';
import { temporaryDirectory } from '../e2e/program.ts';

const ROOT = process.cwd();
const suite = (name: string, status: string, ...statuses: string[]) => ({
  name: `${ROOT}/test/e2e/${name}.test.ts`,
  startTime: 1000,
  endTime: 13_400,
  status,
  assertionResults: statuses.map((each) => ({ status: each })),
});

it('counts the tests of each suite; one that could not be loaded has failed', () => {
  const testResults = [
    suite('a', 'passed', 'passed', 'passed', 'skipped'),
    suite('b', 'failed', 'passed', 'failed', 'failed'),
    suite('c', 'failed'),
  ];
  expect(suitesOf({ testResults })).toEqual({
    'test/e2e/a.test.ts': { passed: 2, failed: 0, skipped: 1, seconds: 12 },
    'test/e2e/b.test.ts': { passed: 1, failed: 2, skipped: 0, seconds: 12 },
    'test/e2e/c.test.ts': { passed: 0, failed: 1, skipped: 0, seconds: 12 },
  });
});

it('has a column for each version, the oldest first, and a row for each suite', () => {
  const result = { passed: 3, failed: 0, skipped: 0, seconds: 7 };
  const results = {
    '3.10.0': { 'test/e2e/b.test.ts': { ...result, failed: 1, skipped: 2 } },
    '3.9.5': { 'test/e2e/b.test.ts': result, 'test/e2e/a.test.ts': result },
  };
  expect(tableOf(results).split('\n')).toEqual([
    '| suite | 3.9.5 | 3.10.0 |',
    '| --- | --- | --- |',
    '| `e2e/a` | 3 passed, 7 s |  |',
    '| `e2e/b` | 3 passed, 7 s | 3 passed, **1 failed**, 2 skipped, 7 s |',
  ]);
});

it('a directory without ZooKeeper, or a machine without Maven, is reported in one line', async () => {
  const [oldest] = RELEASE_LINES;
  if (oldest === undefined) throw new Error('there are release lines');
  expect(variableOf(oldest)).toBe('ZOOKEEPER_HOME_3_4');
  const empty = temporaryDirectory();
  const named = await findLine(oldest, { ZOOKEEPER_HOME_3_4: empty });
  expect(named).toBe(`$ZOOKEEPER_HOME_3_4 has no ZooKeeper jar: ${empty}`);
  const unknown = { ...oldest, version: '0.0.0' };
  const reason = 'set $ZOOKEEPER_HOME_3_4, or install Maven';
  expect(await findLine(unknown, { PATH: empty })).toBe(reason);
});
