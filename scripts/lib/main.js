/** How a script of this directory ends: with a status, and with one line where something is missing. */
import { ProvisionError } from '../servers/provision.js';

/** @param {() => Promise<number>} main gives the exit status */
export async function runScript(main) {
  try {
    // At once: Node may look for ever after sockets that were left half closed (seen with 20.20).
    process.exit(await main());
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}
