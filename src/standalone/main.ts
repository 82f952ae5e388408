/** What the standalone executable begins with: lockex, or its own reaper. */
import '../early-signals.ts';
import { REAPER_WORD } from './installation.ts';

/** Whoever is still here may stay for months: what the start has left behind is given back, once. */
const STARTED_MS = 1000;
setTimeout(() => Bun.gc(true), STARTED_MS).unref();

if (process.argv[2] === REAPER_WORD) void import('../reaper.ts');
else void import('../main.ts');
