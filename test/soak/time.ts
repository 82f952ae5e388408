/** The soak's clock, which is that of the journals. */

/** Microseconds of CLOCK_MONOTONIC. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
