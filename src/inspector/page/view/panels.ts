/** Below the course: the queue, the lease, and facts of this lockex. */
import type { ContenderView } from '../../../status/view.ts';
import { leaseLevel, leaseText } from '../lease-text.ts';
import type { Moment } from '../moment.ts';
import { duration } from '../text.ts';
import { byId, element, setText, timeElement } from './dom.ts';

const MAX_ROWS = 200;

export function drawLease(moment: Moment): void {
  const { lease } = moment;
  const bar = byId('lease');
  bar.dataset['level'] = leaseLevel(moment);
  setText(byId('lease-left'), lease === null ? '–' : duration(lease.leftMs));
  const part = lease === null ? 0 : Math.min(1, lease.leftMs / lease.wholeMs);
  byId('lease-bar').style.transform = `scaleX(${part})`;
  const stop = byId('lease-stop');
  stop.hidden = lease === null;
  if (lease !== null)
    stop.style.left = `${((lease.leftMs - lease.stopInMs) / lease.wholeMs) * 100}%`;
  setText(byId('lease-text'), leaseText(moment));
}

export function drawFacts({ head, entry: { facts } }: Moment): void {
  const permits = head.leases > 1 ? `, ${head.leases} permits` : '';
  const rows: readonly (readonly [string, string | null])[] = [
    ['lock', `/${head.lockPath}/${head.lockId}${permits}`],
    ['session', facts.server && `${facts.server}, timeout ${duration(facts.timeoutMs ?? 0)}`],
    ['fencing token', facts.fencingToken],
    ['command', facts.commandPid === null ? null : `pid ${facts.commandPid}`],
    ['node', facts.path?.split('/').at(-1) ?? null],
    ['lost', facts.loss && `${facts.loss.message} (${facts.loss.cause})`],
    ['lockex', `${head.version}, pid ${head.pid} on ${head.host}`],
  ];
  byId('facts').replaceChildren(
    ...rows.flatMap(([name, value]) =>
      value ? [element('dt', {}, name), element('dd', {}, value)] : [],
    ),
  );
}

export function drawQueue(moment: Moment): void {
  const { lock, head } = moment;
  const view = lock?.lock ?? null;
  const holders = view?.holders ?? [];
  const all = [...holders, ...(view?.waiters ?? [])];
  const note = byId('queue-note');
  setText(note, queueNote(moment, all.length));
  note.hidden = note.textContent === '';
  const table = byId('queue');
  table.hidden = all.length === 0;
  const rows = all.slice(0, MAX_ROWS).map((contender, index) => {
    const isHolder = index < holders.length;
    const isOwn = contender.host === head.host && contender.pid === head.pid;
    const place = isHolder ? 'holds' : `${index + 1 - holders.length}.`;
    return rowOf(contender, place, isOwn);
  });
  table.querySelector('tbody')?.replaceChildren(...rows);
}

function queueNote({ lock, entry }: Moment, count: number): string {
  if (count > MAX_ROWS) return `${count} contenders; the first ${MAX_ROWS} are shown`;
  if (count > 0) return '';
  if (lock?.problem) return `not known: ${lock.problem}`;
  if (lock !== null) return 'free: no holders, no waiters';
  const { queue } = entry.facts;
  if (queue === null) return 'not known at this time';
  const behind = queue.behind?.label ? `, behind ${queue.behind.label}` : '';
  return `this lockex: position ${queue.position}${behind}; the rest was not known at this time`;
}

function rowOf(contender: ContenderView, place: string, isOwn: boolean): HTMLElement {
  const who = contender.host ?? contender.says ?? contender.node;
  const since = Date.parse(contender.since ?? '');
  return element(
    'tr',
    isOwn ? { class: 'own' } : {},
    element('td', {}, place),
    element('td', {}, isOwn ? `${who} (this one)` : who),
    element('td', {}, contender.pid === null ? '' : String(contender.pid)),
    element('td', {}, contender.command ?? `(${contender.by})`),
    element('td', {}, Number.isNaN(since) ? '?' : timeElement(since)),
  );
}
