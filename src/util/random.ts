/**
 * Random numbers from the kernel (random(4)), as node:crypto would return them, without the three
 * milliseconds that loading it takes.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const SOURCE = '/dev/urandom';

/**
 * `bytes` bytes as lower-case hexadecimal digits, two each. Without a descriptor for the device the
 * numbers come from getrandom(2), which needs none.
 */
export function randomHex(bytes: number): string {
  try {
    return readDevice(bytes).toString('hex');
  } catch {
    return process.getBuiltinModule('node:crypto').randomBytes(bytes).toString('hex');
  }
}

function readDevice(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  const file = openSync(SOURCE, 'r');
  try {
    // The device returns up to 256 bytes at once, without blocking.
    if (readSync(file, buffer) !== bytes) throw new Error(`${SOURCE} returned too few bytes`);
  } finally {
    closeSync(file);
  }
  return buffer;
}
