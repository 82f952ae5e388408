/** The texts of the page: times, durations, ends of a command. Pure. */
import type { CommandExit } from '../../../machines/outcome.ts';
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

/** `2026-11-27 14:17:33.250 UTC` */
export function utcTime(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** `UTC+1`, `UTC-3:30`, `UTC`: the viewer's time zone at this time. */
export function zoneOf(at: number): string {
  return zoneName(-new Date(at).getTimezoneOffset());
}

/** @param minutes east of Greenwich */
export function zoneName(minutes: number): string {
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const fraction = rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`;
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${fraction}`;
}

/** The payload of an event on one line: `pid: 4711, means: SIGTERM`. */
export function detailsText(details: Readonly<Record<string, unknown>>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** `exited with 7`, `was killed by SIGKILL` */
export function exitText({ code, signal }: CommandExit): string {
  return signal === null ? `exited with ${code}` : `was killed by ${signal.name}`;
}

/** Why lockex exited; the command's own end where that is the reason. */
export function outcomeText(kind: string | null, exit: CommandExit | null): string {
  if (kind === 'exited' && exit !== null) return `the command ${exitText(exit)}`;
  const why = kind !== null && kind in OUTCOMES ? OUTCOMES[kind as keyof typeof OUTCOMES] : '';
  const isStop = kind === 'stopped' || kind === 'lost' || kind === 'timedOut';
  return isStop && exit !== null ? `${why}; it ${exitText(exit)}` : why;
}
