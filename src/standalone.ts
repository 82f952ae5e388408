/** The entry point of the standalone executable: lockex, or its reaper. */
import './platform/early-signals.ts';
import { REAPER_OPTION } from './platform/bun/installation.ts';

// If the parent process ignores SIGCHLD, so does lockex, and the kernel discards the exit status of
// its children (waitpid(2), ECHILD). Node resets inherited dispositions at start
// (`node::PlatformInit`), Bun does not. With a handler, the command starts with the default.
process.on('SIGCHLD', () => {});

/** After this time, a run may last for months: it frees the memory that only the start needed. */
const COLLECT_AFTER_MS = 1000;
setTimeout(() => Bun.gc(true), COLLECT_AFTER_MS).unref();

if (process.argv[2] === REAPER_OPTION) void import('./reaper.ts');
else void import('./main.ts');
