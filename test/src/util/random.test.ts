/** Random numbers, also where no descriptor is left for the device. The error is injected. */
import { expect, it, vi } from 'vitest';
import { randomHex } from '../../../src/util/random.ts';

const open = vi.hoisted(() => ({ code: '' }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const openSync: typeof fs.openSync = (...args) => {
    if (open.code !== '') throw Object.assign(new Error(open.code), { code: open.code });
    return fs.openSync(...args);
  };
  return { ...fs, openSync };
});

it.each(['', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOENT'])('differ each time (%s)', (code) => {
  open.code = code;
  const numbers = Array.from({ length: 100 }, () => randomHex(16));
  expect(new Set(numbers).size).toBe(100);
  for (const number of numbers) expect(number).toMatch(/^[0-9a-f]{32}$/);
});
