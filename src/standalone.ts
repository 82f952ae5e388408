/** What the standalone executable begins with: lockex, or its own reaper. */
import './platform/early-signals.ts';
import { REAPER_WORD } from './platform/bun/installation.ts';

// Whoever started us may ignore it; then the kernel keeps from us how a child ended. Node takes it
// back by itself, Bun does not. The command finds it at its default, as with Node.
process.on('SIGCHLD', () => {});

/** Whoever is still here may stay for months: what the start has left behind is given back, once. */
const STARTED_MS = 1000;
setTimeout(() => Bun.gc(true), STARTED_MS).unref();

if (process.argv[2] === REAPER_WORD) void import('./reaper.ts');
else void import('./main.ts');
