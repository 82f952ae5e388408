/**
 * Ignores SIGUSR1 until the machine handles it: without a handler it opens Node's debugger.
 * Imported before all other modules.
 */
process.on('SIGUSR1', () => {});
