/**
 * Imported before anything else: until a handler stands, SIGUSR1 opens Node's debugger. What it
 * means is the machine's to say, once it runs; until then it means nothing.
 */
process.on('SIGUSR1', () => {});
