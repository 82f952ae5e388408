/** What the standalone executable begins with: lockex, or its own reaper. */
import '../early-signals.ts';
import { REAPER_WORD } from './installation.ts';

if (process.argv[2] === REAPER_WORD) void import('../reaper.ts');
else void import('../main.ts');
