/** Which facts a guard gets in its environment, and which through its socket. */

/**
 * `open`: facts that may be seen in the guard's environment. `secret`: those that may not. By the
 * marker the command's processes are found in /proc, the list of processes may be longer than a
 * variable can be (128 kB), and the others are secrets.
 */
export function sortedFacts(facts: ReadonlyMap<string, readonly string[]>) {
  const {
    credentials = [],
    marker = [],
    ours = [],
    slack = [],
    ...open
  } = Object.fromEntries(facts);
  const secret = [...marker, ...ours, ...slack, ...credentials];
  return { open: Object.values(open).flat(), secret };
}
