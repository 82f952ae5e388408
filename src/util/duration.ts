/** Durations in messages: the only formatter, for the log, the page and hooks. Pure. */

const MIN_SHOWN_S = 0.01;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/** `ms`: milliseconds. `0.25 s`, `9.1 s`, `30 s`, `3 min 5 s`, `1 h`, `2 h 1 min`, `4 d 3 h`. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s > 0 && s < MIN_SHOWN_S) return `less than ${MIN_SHOWN_S} s`;
  const rounded = Number(s.toFixed(s < 10 ? 2 : 1));
  if (rounded < MINUTE_S) return `${rounded} s`;
  if (s < HOUR_S) return inUnits(s, MINUTE_S, 'min', 1, 's');
  if (s < DAY_S) return inUnits(s, HOUR_S, 'h', MINUTE_S, 'min');
  return inUnits(s, DAY_S, 'd', HOUR_S, 'h');
}

/** In whole units, rounded down; without the smaller unit if it is 0. */
function inUnits(s: number, large: number, largeName: string, small: number, smallName: string) {
  // A value that toFixed rounds up to a minute counts as one.
  const whole = Math.max(Math.floor(s), MINUTE_S);
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}
