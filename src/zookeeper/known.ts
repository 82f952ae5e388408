/** What is known once a session was attached; a programming error before that. */
export function known<T>(value: T | null): T {
  if (value === null) throw new Error('asked for before the session was attached');
  return value;
}
