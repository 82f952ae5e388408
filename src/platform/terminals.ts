/**
 * What Node does to terminals at its end: it puts their modes back, and ends with SIGABRT where that
 * fails, because the terminal has hung up. A descriptor that is closed by then it leaves alone.
 */
import { closeSync, fstatSync } from 'node:fs';

const STANDARD_STREAMS = [0, 1, 2];
/** Major number of /dev/null and its like (Linux, null(4)). */
const MEMORY_DEVICES = 1;

/** To be called at the start. */
export function closeLostTerminalsAtExit(): void {
  process.on('exit', () => {
    for (const descriptor of STANDARD_STREAMS) {
      if (isDevice(descriptor) && !isTerminal(descriptor)) closeSync(descriptor);
    }
  });
}

function isDevice(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isCharacterDevice() && stat.rdev >> 8 !== MEMORY_DEVICES;
  } catch {
    return false;
  }
}

/** One that has hung up is none any more. Loaded only now: most runs have no terminal. */
function isTerminal(descriptor: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}
