/** The entry point of the standalone executable: lockex, or its own reaper. */
import './platform/early-signals.ts';
import { REAPER_WORD } from './platform/bun/installation.ts';

// An inherited ignored SIGCHLD makes the kernel discard the exit status of children. Node resets it
// by itself, Bun does not. The command gets the default, as with Node.
process.on('SIGCHLD', () => {});

/** A lockex that still runs may run for months: free the memory of the start, once. */
const STARTED_MS = 1000;
setTimeout(() => Bun.gc(true), STARTED_MS).unref();

if (process.argv[2] === REAPER_WORD) void import('./reaper.ts');
else void import('./main.ts');
