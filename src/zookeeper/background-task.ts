/** Runs a promise that the caller does not await. */

/** An unexpected rejection is a bug: it ends the process, and then the guard kills the command. */
export function runInBackground(task: Promise<void>): void {
  task.catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
}
