/** Which facts a guard gets in its environment, and which through its socket. */

/**
 * `open`: facts that are passed in the guard's environment. `secret`: facts that are not. A process
 * with the marker in its environment counts as the command's, the list of processes may exceed the
 * size of a variable (128 kB), and the others are secrets.
 */
export function sortedFacts(facts: ReadonlyMap<string, readonly string[]>) {
  const {
    credentials = [],
    marker = [],
    processes = [],
    slack = [],
    ...open
  } = Object.fromEntries(facts);
  const secret = [...marker, ...processes, ...slack, ...credentials];
  return { open: Object.values(open).flat(), secret };
}
