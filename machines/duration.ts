/** Durations in messages: every part of lockex prints them by this one function. Pure. */

const MIN_SHOWN_S = 0.01;

/** Three significant digits or whole seconds: `0.25 s`, `9.1 s`, `30 s`, `3600 s`. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s > 0 && s < MIN_SHOWN_S) return `less than ${MIN_SHOWN_S} s`;
  const decimals = s < 10 ? 2 : s < 100 ? 1 : 0;
  return `${Number(s.toFixed(decimals))} s`;
}
