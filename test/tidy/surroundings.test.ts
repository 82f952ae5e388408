/**
 * What reaches the real clock, timers, chance and deferral: below src/zookeeper and in its actor,
 * only the files that hold the defaults, so that a simulation decides all of it.
 */
import { expect, it } from 'vitest';
import { SOURCES, textOf } from './sources.ts';

const REAL = new RegExp(
  [
    '(?<!\\.)\\b(?:setTimeout|setInterval|setImmediate)\\b',
    '\\bnextTick\\b|\\bhrtime\\b|\\bperformance\\b|\\bprocess\\.uptime\\b|\\bsystemClock\\b',
    '\\bDate\\b(?!\\.parse)|\\bMath\\.random\\b|\\brandomUUID\\b|\\brandomBytes\\b|\\brandomHex\\(',
    "'node:(?:net|tls|dns|timers|perf_hooks|child_process)[^']*'",
  ].join('|'),
  'g',
);

/** What each file holds, and why. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  'src/zookeeper/defaults.ts': ['Math.random', 'Date', 'setImmediate'],
  // Ends the process upon a defect.
  'src/zookeeper/background-task.ts': ['setImmediate'],
  // The GUID, unless `newGuid` is given.
  'src/zookeeper/attempt-parts.ts': ['randomHex('],
  // Real sockets and their certificates, unless `openSocket` is given.
  'src/zookeeper/session/sockets.ts': ["'node:net'", "'node:tls'", 'Date'],
  // Unless `lookup` is given.
  'src/zookeeper/session/addresses.ts': ["'node:dns/promises'"],
};

it('the ZooKeeper actor takes time, chance and deferral from its options', () => {
  const files = SOURCES.filter(
    (file) => file.startsWith('src/zookeeper/') || file === 'src/actors/zookeeper.ts',
  );
  const found = files.flatMap((file) => {
    const code = textOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const matches = [...new Set([...code.matchAll(REAL)].map(([match]) => match))];
    return matches.length === 0 ? [] : [[file, matches.toSorted()] as const];
  });
  const expected = Object.entries(DEFAULTS).map(([file, each]) => [file, each.toSorted()]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
});
