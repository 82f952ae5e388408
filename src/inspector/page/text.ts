/** The texts of the page. Pure. */
import { OUTCOMES } from '../../log/outcomes.ts';
import { duration as preciseDuration } from '../../util/duration.ts';

/** A duration, without decimals that change too fast to read. */
export function duration(ms: number): string {
  const stepMs = ms < 10_000 ? 100 : 1000;
  return preciseDuration(Math.floor(ms / stepMs) * stepMs);
}

/** A time of day, in the viewer's time zone. */
export function clockTime(at: number): string {
  const time = new Date(at);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** The payload of an event on one line: `pid: 4711, means: SIGTERM`. */
export function detailsText(details: Readonly<Record<string, unknown>>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

export function outcomeText(kind: string | null, exitCode: number): string {
  const why = kind !== null && kind in OUTCOMES ? OUTCOMES[kind as keyof typeof OUTCOMES] : null;
  return `lockex exited with status ${exitCode}${why === null ? '' : `: ${why}`}`;
}
