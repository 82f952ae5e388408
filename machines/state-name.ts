/** The name of a state as logs, tests and pages write it: `cleanup.stopping`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([state, inner]) => `${state}.${stateName(inner)}`)
    .join('|');
}
