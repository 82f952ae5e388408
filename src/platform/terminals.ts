/**
 * Terminals on the descriptors of this process. At exit, Node restores the modes of terminals on 0,
 * 1 and 2, and aborts (SIGABRT) if that fails because the terminal has hung up. It ignores closed
 * descriptors (node.cc, ResetStdio).
 */
import { closeSync, fstatSync } from 'node:fs';

const STANDARD_STREAMS = [0, 1, 2];
/**
 * Major number of /dev/null and other memory devices (Linux,
 * Documentation/admin-guide/devices.txt).
 */
const MEMORY_DEVICES = 1;

/** Call it once, at the start. */
export function closeLostTerminalsAtExit(): void {
  process.on('exit', () => {
    for (const descriptor of STANDARD_STREAMS) {
      if (isDevice(descriptor) && !isTerminal(descriptor)) closeSync(descriptor);
    }
  });
}

/**
 * True for a terminal that has not hung up. Loads node:tty, a tenth of a short run, only for a
 * character device that is not a memory device.
 */
export function isTerminal(descriptor: number): boolean {
  return isDevice(descriptor) && process.getBuiltinModule('node:tty').isatty(descriptor);
}

function isDevice(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isCharacterDevice() && stat.rdev >> 8 !== MEMORY_DEVICES;
  } catch {
    return false;
  }
}
