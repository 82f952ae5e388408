/** The texts of the page. Pure. */

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 1 min`, `4 d 3 h`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** In the viewer's time zone. */
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

const OUTCOMES: Readonly<Record<string, string>> = {
  exited: 'the command exited',
  stopped: 'the command was stopped on request',
  interrupted: 'lockex was interrupted before the command started',
  skipped: '--once-per: another run finished recently',
  conflict: 'could not acquire the lock',
  unreachable: 'could not reach ZooKeeper',
  refused: 'the lock was refused',
  sessionLost: 'the session was lost before the command started',
  lost: 'the lock was lost, and the command was stopped',
  timedOut: 'the command exceeded --max-runtime and was stopped',
  notRunnable: 'the command could not be run',
  failed: 'lockex failed',
};

export function outcomeText(kind: string | null, exitCode: number): string {
  const why = OUTCOMES[kind ?? ''];
  return `lockex exited with status ${exitCode}${why === undefined ? '' : `: ${why}`}`;
}
