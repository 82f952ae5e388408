/** Renders locks as tables of text. Pure; escapes all text that comes from nodes. */
import { printable } from '../util/printable.ts';
import type { ContenderView, LockView } from './view.ts';

const GAP = '  ';
/** A table that is too wide loses characters of its widest column first, down to this width. */
const MIN_CELL_WIDTH = 8;
const HEAD = ['', 'host', 'pid', 'user', 'command', 'since', 'token'];
/** Columns that may be truncated: host, user and command. */
const TRUNCATABLE = [1, 3, 4];
const MAX_CELL_WIDTH = 60;

/**
 * Returns lines. `columns`: width of the terminal. `place`: their parent node, if there are none.
 */
export function renderLocks(
  views: readonly LockView[],
  { columns, place }: { readonly columns: number; readonly place: string },
): readonly string[] {
  if (views.length === 0) return [`no locks under ${printable(place, MAX_CELL_WIDTH)}`];
  const blocks = views.map((view) => renderLock(view, columns));
  // An empty line separates tables; single lines follow each other.
  return blocks.flatMap((block, index) => {
    const isSeparated = [block, blocks[index - 1] ?? []].some((lines) => lines.length > 1);
    return index > 0 && isSeparated ? ['', ...block] : block;
  });
}

function renderLock(view: LockView, columns: number): readonly string[] {
  const title = `${printable(view.id, MAX_CELL_WIDTH)}: ${summaryOf(view)}`;
  const rows = [
    ...view.holders.map((contender) => rowOf('holds', contender)),
    ...view.waiters.map((contender, index) => rowOf(`${index + 1}.`, contender)),
  ];
  return rows.length === 0 ? [title] : [title, ...tableOf([HEAD, ...rows], columns)];
}

function summaryOf({ kind, permits, holders, waiters }: LockView): string {
  const waiting = waiters.length === 0 ? '' : `, ${waiters.length} waiting`;
  if (kind === 'semaphore') return `semaphore, ${holders.length} of ${permits} held${waiting}`;
  if (holders.length === 0) return 'free';
  const shared = holders[0]?.shared ? `, shared by ${holders.length}` : '';
  return `held${shared}${waiting}`;
}

function rowOf(position: string, contender: ContenderView): string[] {
  const { host, pid, user, command, says, since, fencingToken, shared, by } = contender;
  const role = shared ? `${position} shared` : position;
  const who = host ?? says ?? contender.node;
  const cells = [
    role,
    who,
    pid === null ? '' : String(pid),
    user ?? '',
    command ?? `(${by})`,
    since === null ? '?' : `${since.slice(0, 10)} ${since.slice(11, 19)}Z`,
    fencingToken ?? '',
  ];
  return cells.map((cell) => printable(cell, MAX_CELL_WIDTH));
}

function tableOf(rows: readonly (readonly string[])[], columns: number): string[] {
  const widths = HEAD.map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  );
  const total = () => widths.reduce((sum, width) => sum + width + GAP.length, 0);
  while (total() > columns) {
    const [widest = 1] = TRUNCATABLE.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if ((widths[widest] ?? 0) <= MIN_CELL_WIDTH) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => fitted(cell, widths[column] ?? 0));
    return (GAP + cells.join(GAP)).trimEnd();
  });
}

function fitted(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text + ' '.repeat(width - characters.length);
  return `${characters.slice(0, width - 1).join('')}…`;
}
