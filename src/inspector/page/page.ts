/** The inspector's page: follows the feed or shows a file, and draws at most once per frame. */
import type { FeedMessage } from '../feed.ts';
import { FrameScheduler } from './frame.ts';
import type { Life } from './life.ts';
import { type Moment, momentOf } from './moment.ts';
import { reasonOf } from './reason.ts';
import { Run } from './run.ts';
import { clockTime, zoneOf } from './text.ts';
import { Connection, type Link } from './view/connection.ts';
import { Course } from './view/course.ts';
import { byId, setText } from './view/dom.ts';
import { Events } from './view/events.ts';
import { acceptFiles, saveRun } from './view/files.ts';
import { Announcer, cutText, drawCut, drawHeader, drawLink } from './view/header.ts';
import { Nodes } from './view/nodes.ts';
import { drawFacts, drawLease, drawQueue } from './view/panels.ts';
import { openStately } from './view/stately-window.ts';
import { Timeline } from './view/timeline.ts';
import { Wires, watchSize } from './view/wires.ts';

/** Inserted by scripts/build/inspector-page.ts. */
declare const LIFE: Life;

/** Between two draws while only the time passes. */
const TICK_MS = 250;

let run: Run | null = null;
let fileName = '';
/** What is drawn already, so that only changes are drawn. */
let drawn: { index: number; entry: unknown; lock: unknown; exitCode: number | null } | null = null;

const frame = new FrameScheduler(draw, (callback) => requestAnimationFrame(callback));
const nodes = new Nodes(LIFE, (state) => wires.ask(state));
const wires = new Wires(nodes);
const course = new Course();
const events = new Events((time) => timeline.show(time));
const announcer = new Announcer();
const timeline = new Timeline({
  run: () => run,
  scale: () => course.scale,
  onShown: () => frame.request(),
});
const connection = new Connection({ onMessage: take, onLink: linkChanged });

function take(message: FeedMessage): void {
  switch (message.type) {
    case 'hello': {
      const { head, entries } = message;
      const isKnown = run?.head.pid === head.pid && run.head.host === head.host;
      if (run === null || !isKnown) showRun(new Run(head));
      for (const entry of entries) run?.add(entry);
      break;
    }
    case 'entry':
      run?.add(message.entry);
      break;
    case 'lock':
      run?.addLock(message);
      break;
    case 'ended':
      if (run !== null) run.exitCode = message.exitCode;
      // lockex followed the lock for the page, and has released it. What is known ends with the
      // last entry.
      run?.addLock({
        at: run.entries.at(-1)?.at ?? connection.now,
        lock: null,
        problem: 'no longer followed',
      });
      break;
    case 'alive':
      break;
  }
  frame.request();
}

function showRun(next: Run): void {
  run = next;
  drawn = null;
  byId('save').removeAttribute('disabled');
  timeline.reset();
}

function linkChanged(link: Link): void {
  drawLink(link, fileName);
  const lockId = run?.head.lockId ?? null;
  drawCut(link, connection.now, lockId);
  byId('stately').toggleAttribute('disabled', link.kind !== 'live');
  if (link.kind === 'cut' && lockId !== null)
    announcer.announce('cut', cutText(link.why, connection.now, lockId));
  frame.request();
}

/** The end of what is known: by lockex's clock. */
function endOf(known: Run): number {
  const last = known.entries.at(-1)?.at ?? 0;
  const { kind } = connection.link;
  return kind === 'live' || kind === 'cut' ? Math.max(last, connection.now) : last;
}

function draw(): void {
  if (run === null) return;
  const end = endOf(run);
  const { shown } = timeline;
  const moment = momentOf(run, shown.kind === 'now' ? end : shown.time);
  if (moment === null) return;
  course.draw(run, end);
  const reason = reasonOf(moment);
  course.point(moment.time, `${clockTime(moment.time)}, ${moment.entry.state}: ${reason}`);
  drawHeader(moment, shown, connection.link.kind === 'left' ? fileName : 'lockex');
  drawLease(moment);
  nodes.draw(run, moment);
  events.draw(run);
  drawChanges(run, moment);
  events.mark(shown.kind === 'now' ? null : moment.entry.number);
  if (shown.kind === 'now' && connection.link.kind !== 'cut') {
    const key = `${moment.entry.state} ${moment.first.number} ${moment.exitCode}`;
    announcer.announce(key, `${moment.entry.state}: ${reason}`);
  }
}

/** These do not change while only the time passes. */
function drawChanges(known: Run, moment: Moment): void {
  const { index, entry, lock, exitCode } = moment;
  const isSame = drawn?.entry === entry && drawn.lock === lock && drawn.exitCode === exitCode;
  if (isSame) return;
  drawn = { index, entry, lock, exitCode };
  wires.draw(known.entries.slice(0, index + 1));
  drawFacts(moment);
  drawQueue(moment);
}

function notice(message: string): void {
  const shown = byId('notice');
  shown.hidden = message === '';
  setText(shown, message);
}

byId('save').addEventListener('click', () => {
  if (run !== null) saveRun(run);
});
byId('stately').addEventListener('click', () => {
  notice(openStately() ? '' : 'the browser blocked the window of Stately Inspector');
});
acceptFiles({
  onRun: (opened, name) => {
    fileName = name;
    connection.leave();
    showRun(opened);
    notice(
      location.protocol.startsWith('http')
        ? 'This is a saved run. Reload the page to see the running lockex again.'
        : '',
    );
    linkChanged(connection.link);
  },
  onProblem: notice,
});
watchSize(() => {
  wires.layOut();
  drawn = null;
  frame.request();
});
setText(byId('zone'), `Times are local (${zoneOf(Date.now())}); UTC on hover.`);
setInterval(() => {
  if (connection.link.kind === 'live' && timeline.shown.kind === 'now') frame.request();
}, TICK_MS);
connection.start();
