/** For values that the order of states guarantees. */

/** @throws Error for null, which is a bug in the machine */
export function known<T>(value: T | null): T {
  if (value === null) throw new Error('the machine used a value before it was known');
  return value;
}
