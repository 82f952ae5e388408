/** Runs what is not awaited. */

/** An unexpected rejection is a bug: it ends the process, and so the guard ends the command. */
export function run(task: Promise<void>): void {
  task.catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
}
