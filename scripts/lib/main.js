/**
 * How a script ends: with a status, and with one line on standard error if something is missing.
 * Plain JavaScript: scripts/run.js needs it before npm's packages are installed.
 */

/** Something that a script needs is missing. The message is one line, shown without a stack. */
export class ProvisionError extends Error {
  /** @override */
  name = 'ProvisionError';
}

/** @param {() => Promise<number>} main returns the exit status */
export async function runScript(main) {
  try {
    // Immediately: Node can wait forever for half-closed sockets (observed with 20.20).
    process.exit(await main());
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}
