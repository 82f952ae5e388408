/** The header: lock, state, reason, connection; and the one live region. */
import type { Moment } from '../moment.ts';
import { outerOf } from '../places.ts';
import { reasonOf } from '../reason.ts';
import { clockTime, duration, utcTime } from '../text.ts';
import type { Link } from './connection.ts';
import { byId, setText } from './dom.ts';
import type { Shown } from './timeline.ts';

/** Outcomes that are not a fault of the lock or of lockex. */
const CALM = ['exited', 'stopped', 'interrupted', 'skipped', 'conflict'];

export function drawHeader(moment: Moment, shown: Shown, source: string): void {
  const { entry, head, time, forMs } = moment;
  setText(byId('lock-id'), head.lockId);
  const chip = byId('state');
  setText(chip, entry.state);
  const kind = entry.facts.outcome?.kind ?? 'exited';
  const isFailed = entry.state === 'done' && !CALM.includes(kind);
  chip.dataset['state'] = isFailed ? 'lost' : outerOf(entry.state);
  setText(byId('since'), entry.state === 'done' ? '' : `for ${duration(forMs)}`);
  setText(byId('why'), reasonOf(moment));
  const asOf = byId('as-of');
  asOf.hidden = shown.kind === 'now';
  setText(asOf, `as of ${clockTime(time)}`);
  asOf.title = utcTime(time);
  document.title = `${entry.state}: ${head.lockId} – ${source}`;
}

const LINK_TEXTS: Readonly<Record<Link['kind'], string>> = {
  connecting: 'connecting…',
  live: 'live',
  cut: 'disconnected',
  ended: 'lockex has exited',
  left: '',
};

export function drawLink(link: Link, fileName: string): void {
  const shown = byId('connection');
  shown.dataset['link'] = link.kind;
  const refusal = link.kind === 'cut' && link.refusal ? `refused: ${link.refusal}` : null;
  const name = fileName === '' ? 'no run; open a saved one' : `saved run: ${fileName}`;
  const file = link.kind === 'left' ? name : null;
  setText(shown, refusal ?? file ?? LINK_TEXTS[link.kind]);
}

/** The red line while nothing is known of lockex. */
export function drawCut(link: Link, lastHeard: number, lockId: string | null): void {
  const isCut = link.kind === 'cut' && lockId !== null;
  document.body.classList.toggle('cut', isCut);
  const line = byId('cut');
  line.hidden = !isCut;
  if (isCut) setText(line, cutText(link.why, lastHeard, lockId));
}

export function cutText(why: 'closed' | 'silent', lastHeard: number, lockId: string): string {
  const cause =
    why === 'closed'
      ? 'lockex was killed or is out of reach'
      : 'lockex hangs, is suspended or is out of reach';
  const id = /^[\w./:@-]+$/.test(lockId) ? lockId : `'${lockId.replaceAll("'", `'\\''`)}'`;
  return (
    `No message since ${clockTime(lastHeard)}: ${cause}. The page shows the state at that time. ` +
    `To see who holds the lock now, run: lockex status ${id}`
  );
}

/** Speaks on changes of state only, not while the reader looks at the past. */
export class Announcer {
  #last = '';

  announce(key: string, text: string): void {
    if (key === this.#last) return;
    this.#last = key;
    setText(byId('announcer'), text);
  }
}
