/**
 * Ignores SIGUSR1 until the machine runs, which decides what it means: without a handler it opens
 * Node's debugger. Imported before anything else.
 */
process.on('SIGUSR1', () => {});
