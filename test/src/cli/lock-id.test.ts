/**
 * The generated lock id. The digests were computed with sha256sum from the JSON in the comments.
 */
import { describe, expect, it } from 'vitest';
import { lockIdOf } from '../../../src/cli/lock-id.ts';

function ofProgram(...argv: [string, ...string[]]): string {
  return lockIdOf({ kind: 'program', argv });
}

function ofLine(line: string): string {
  return lockIdOf({ kind: 'shell', line });
}

it('never changes: hosts with other versions must use the same lock', () => {
  // ["program","/usr/local/bin/redis-server","/etc/redis.conf"]
  expect(ofProgram('/usr/local/bin/redis-server', '/etc/redis.conf')).toBe(
    'redis-server-096d92a400c2dc77',
  );
  // ["shell","sleep 30 && uptime"]
  expect(ofLine('sleep 30 && uptime')).toBe('sleep-61d95fe14ca77b6f');
  // ["program","echo","é\n\"\\"]
  expect(ofProgram('echo', 'é\n"\\')).toBe('echo-6d774a08d9a7cf3f');
});

it('differs for different arguments, even if their concatenation is equal', () => {
  const ids = [
    ofLine('a b'),
    ofProgram('a', 'b'),
    ofProgram('a b', ''),
    ofProgram('a', ' b'),
    ofProgram('a', '', 'b'),
    ofProgram('a', 'b', ''),
    ofProgram('shell', 'a b'),
    ofProgram('a","b', ''),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

describe('the readable part', () => {
  it.each([
    ['/usr/bin/My_Job.py', 'my-job.py'],
    ['x'.repeat(100), 'x'.repeat(32)],
    [`${'x'.repeat(31)}_y`, 'x'.repeat(31)],
    ['..', 'command'],
    ['/', 'command'],
    ['報告', 'command'],
    ['-rf', 'rf'],
  ])('comes from the name of the program: %s', (program, slug) => {
    expect(ofProgram(program, 'x').replace(/-[0-9a-f]{16}$/, '')).toBe(slug);
  });

  it.each([
    ['/opt/jobs/nightly --all', 'nightly'],
    ['  ls', 'ls'],
    ['PASSWORD=hunter2 backup --all', 'backup'],
    ['A=1 B=2 /bin/job', 'job'],
    ["PASSWORD='hunter two' backup", 'sh'],
    ['PASSWORD=hunter\\ two backup', 'sh'],
    ['PASSWORD="hunter two three" backup', 'sh'],
    ['PASSWORD=$(cat secret of mine) backup', 'sh'],
    ['PASSWORD=hunter2', 'sh'],
    ['PASSWORD=hunter2;backup', 'sh'],
    ['(cd /srv && job)', 'cd'],
    ['&&', 'command'],
  ])('comes from the first word of a command line after assignments: %s', (line, slug) => {
    expect(ofLine(line).replace(/-[0-9a-f]{16}$/, '')).toBe(slug);
  });

  it('is always a valid lock name', () => {
    for (const line of ['x-__lock__', '../..', '\u0000', '\u{1f600}', 'zookeeper', '.hidden']) {
      expect(ofLine(line)).toMatch(/^[a-z0-9][a-z0-9.-]{0,31}-[0-9a-f]{16}$/);
    }
  });
});
