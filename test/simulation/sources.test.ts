/**
 * The simulation takes time, chance and I/O from its kernel only, so that a seed decides all of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = dirname(fileURLToPath(import.meta.url));

const REAL = [
  'setTimeout|setInterval|setImmediate|nextTick|hrtime|performance|new Date',
  'Math\\.random|Date\\.now|randomUUID|randomBytes',
  'node:(?:net|tls|dns|timers|fs|child_process|worker_threads|perf_hooks)',
].join('|');

/** Where real ones are needed, and why. */
const EXCEPTIONS: Readonly<Record<string, RegExp>> = {
  // Waits for microtasks, and gives the real event loop a turn now and then.
  'kernel/simulation.ts': /setImmediate|nextTick/,
  // Names what it replaces, in comments.
  'kernel/process-clock.ts': /setImmediate|setTimeout|Date\.now/,
  // Talks to real servers, to compare them.
  'differential/stages.ts': /node:(net|timers)|setTimeout|setInterval/,
};

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
);

describe.each(files)('%s', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');

  it('uses no real clock, timer, chance or I/O', () => {
    const pattern = new RegExp(`(?<!clock\\.)\\b(?:${REAL})`, 'g');
    const real = [...text.matchAll(pattern)].map(([match]) => match);
    const allowed = EXCEPTIONS[file] ?? /^$/;
    expect(real.filter((each) => !allowed.test(each))).toEqual([]);
  });

  it('opens with its purpose, and fits', () => {
    expect(text.startsWith('/**')).toBe(true);
    const lines = text.split('\n');
    expect(lines.length).toBeLessThanOrEqual(300);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });
});

it('every exception is needed', () => {
  for (const [file, allowed] of Object.entries(EXCEPTIONS)) {
    expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(allowed);
  }
});
