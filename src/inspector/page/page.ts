/**
 * The inspector's page: receives the feed and draws it. All external data is inserted as text,
 * never as markup.
 */
import type { LockView } from '../../status/view.ts';
import type { Facts, FeedEntry, FeedHead, FeedMessage } from '../feed.ts';
import { clockTime, detailsText, duration, outcomeText } from './text.ts';

const RECONNECT_MS = 1000;
const MAX_ENTRIES = 1000;
const MAX_ROWS = 300;
/** The actor that sends an event to the machine, by the event's name or its first component. */
const ACTORS: Readonly<Record<string, string>> = {
  session: 'zookeeper',
  lock: 'zookeeper',
  lease: 'zookeeper',
  'run.recorded': 'zookeeper',
  command: 'command',
  guard: 'command',
  signal: 'signals',
};

let head: FeedHead | null = null;
let entries: FeedEntry[] = [];
let lock: LockView | null = null;
let lockProblem: string | null = null;
let exitCode: number | null = null;
/** lockex's wall clock minus that of the browser, in milliseconds. */
let ahead = 0;

// ---- The feed ----

function connect(): void {
  // The token stays in the page's address, so that a reload works.
  const socket = new WebSocket(`ws://${location.host}/live${location.search}`);
  socket.onopen = () => connection('open', 'live');
  socket.onmessage = ({ data }) => take(JSON.parse(String(data)) as FeedMessage);
  socket.onclose = () => {
    if (exitCode !== null) return connection('ended', 'lockex has exited');
    connection('lost', 'connection lost: reconnecting');
    void explainRefusal();
    setTimeout(connect, RECONNECT_MS);
  };
}

/** Browsers hide why a WebSocket was refused; a request for the page shows it. */
async function explainRefusal(): Promise<void> {
  const answer = await fetch(location.href).catch(() => null);
  if (answer === null || answer.ok || exitCode !== null) return;
  connection('lost', `refused: ${(await answer.text()).trim()}`);
}

function take(message: FeedMessage): void {
  switch (message.type) {
    case 'hello':
      if (head !== null && head.pid !== message.head.pid) exitCode = null;
      head = message.head;
      ahead = message.now - Date.now();
      entries = [...message.entries];
      drawAll();
      break;
    case 'entry':
      entries.push(message.entry);
      if (entries.length > MAX_ENTRIES) entries.shift();
      drawTransition(message.entry);
      drawAll();
      break;
    case 'lock':
      lock = message.lock;
      lockProblem = message.problem;
      drawQueue();
      break;
    case 'ended':
      exitCode = message.exitCode;
      // lockex followed the lock for the page, and has released it.
      lock = null;
      lockProblem = 'no longer followed';
      drawQueue();
      drawOutcome();
      break;
  }
}

// ---- Drawing ----

function drawAll(): void {
  const last = entries.at(-1);
  if (last === undefined || head === null) return;
  byId('lock-id').textContent = head.lockId;
  document.title = `${last.state}: ${head.lockId} – lockex`;
  byId('state').textContent = last.state;
  lightState(last.state);
  drawFacts(head, last.facts);
  drawTimeline();
  drawEvents();
  drawLease();
  drawOutcome();
}

function lightState(state: string): void {
  const names = state.split('.').map((_, index, all) => all.slice(0, index + 1).join('.'));
  for (const shape of document.querySelectorAll('.state')) {
    const isOn = names.some((name) => shape.id === `state-${name}`);
    shape.classList.toggle('on', isOn);
    shape.toggleAttribute('aria-current', isOn);
  }
}

/** Highlights the arrow that was taken, and the actor that sent the event. */
function drawTransition(entry: FeedEntry): void {
  const before = entries.at(-2);
  const type = entry.event?.type ?? '';
  const actor = ACTORS[type] ?? ACTORS[type.split('.')[0] ?? ''];
  if (actor !== undefined) flash(`actor-${actor}`, 'spoke');
  if (before === undefined || before.state === entry.state) return;
  for (const arrow of document.querySelectorAll('.arrow.taken')) arrow.classList.remove('taken');
  for (const from of outwards(before.state)) {
    for (const to of outwards(entry.state)) {
      if (flash(`arrow-${from}-${to}`, 'taken')) return;
    }
  }
}

/** `a.b` → `a.b`, `a`: an arrow may start or end at a parent state. */
function outwards(state: string): string[] {
  const names = state.split('.').map((_, index, all) => all.slice(0, index + 1).join('.'));
  return names.reverse();
}

function flash(id: string, name: string): boolean {
  const shape = document.getElementById(id);
  if (shape === null) return false;
  shape.classList.remove(name);
  // Forces a reflow, which restarts the animation.
  shape.getBoundingClientRect();
  shape.classList.add(name);
  return true;
}

function drawFacts(of: FeedHead, facts: Facts): void {
  const { queue } = facts;
  const rows: readonly (readonly [string, string | null])[] = [
    ['lock', `/${of.lockPath}/${of.lockId}${of.leases > 1 ? `, ${of.leases} permits` : ''}`],
    ['session', facts.server && `${facts.server}, timeout ${duration(facts.timeoutMs ?? 0)}`],
    ['position in the queue', queue && facts.path === null ? String(queue.position) : null],
    ['behind', facts.path === null ? (queue?.behind?.label ?? null) : null],
    ['node', facts.path],
    ['fencing token', facts.fencingToken],
    ['command', facts.commandPid === null ? null : `pid ${facts.commandPid}`],
    ['lost', facts.loss && `${facts.loss.message} (${facts.loss.cause})`],
    ['lockex', `${of.version}, pid ${of.pid} on ${of.host}`],
  ];
  byId('facts').replaceChildren(
    ...rows.flatMap(([name, value]) => (value ? [element('dt', name), element('dd', value)] : [])),
  );
}

/** Newest first, with the duration of each state. */
function drawTimeline(): void {
  const changes = stateChanges();
  const items = changes.map(({ state, at }, index) => {
    const until = changes[index + 1]?.at ?? null;
    const item = element('li');
    const time = element('time', clockTime(at));
    const lasted = element('span', until === null ? '' : duration(until - at));
    lasted.className = 'for';
    item.append(time, element('span', state), lasted);
    return item;
  });
  byId('timeline').replaceChildren(...items.reverse().slice(0, MAX_ROWS));
}

function stateChanges(): FeedEntry[] {
  return entries.filter(
    ({ state, event }, index) =>
      state !== entries[index - 1]?.state || event?.type === 'session.unreachable',
  );
}

function drawEvents(): void {
  const wanted = (byId('filter') as HTMLInputElement).value.trim().toLowerCase();
  const withRenewals = (byId('renewals') as HTMLInputElement).checked;
  const rows: HTMLElement[] = [];
  for (let index = entries.length - 1; index >= 0 && rows.length < MAX_ROWS; index -= 1) {
    const entry = entries[index];
    if (entry === undefined) continue;
    const type = entry.event?.type ?? 'started';
    if (type === 'lease.renewed' && !withRenewals) continue;
    const cells = [clockTime(entry.at), type, entry.state, detailsText(entry.event?.details ?? {})];
    if (!cells.join(' ').toLowerCase().includes(wanted)) continue;
    const row = element('tr');
    row.append(...cells.map((cell) => element('td', cell)));
    rows.push(row);
  }
  byId('events').replaceChildren(...rows);
}

function drawQueue(): void {
  const note = byId('queue-note');
  const table = byId('queue');
  const all = lock === null ? [] : [...lock.holders, ...lock.waiters];
  table.hidden = all.length === 0;
  note.textContent = lockProblem ?? (all.length === 0 ? 'free: no holders, no waiters' : '');
  note.hidden = note.textContent === '';
  const rows = all.map((contender, index) => {
    const holds = index < (lock?.holders.length ?? 0);
    const mark = holds ? 'holds' : `${index + 1 - (lock?.holders.length ?? 0)}.`;
    const row = element('tr');
    const isThisLockex = contender.host === head?.host && contender.pid === head?.pid;
    row.className = isThisLockex ? 'this-lockex' : '';
    const who = contender.host ?? contender.says ?? contender.node;
    const cells = [
      mark,
      isThisLockex ? `${who} (this one)` : who,
      contender.pid === null ? '' : String(contender.pid),
      contender.command ?? `(${contender.by})`,
      contender.since === null ? '?' : clockTime(Date.parse(contender.since)),
    ];
    row.append(...cells.map((cell) => element('td', cell)));
    return row;
  });
  table.querySelector('tbody')?.replaceChildren(...rows);
}

function drawOutcome(): void {
  const box = byId('outcome');
  const last = entries.at(-1);
  const text = exitCode === null ? null : outcomeText(last?.facts.outcome?.kind ?? null, exitCode);
  box.hidden = text === null;
  if (text !== null && box.textContent !== text) box.textContent = text;
}

/** Decreases between renewals; drawn on every frame. */
function drawLease(): void {
  const bar = byId('lease');
  const last = entries.at(-1);
  const { lease, timeoutMs } = last?.facts ?? {};
  const isHeld = last?.tags.includes('lockHeld') === true && exitCode === null;
  if (!isHeld || !lease || !timeoutMs) {
    bar.dataset['level'] = 'none';
    byId('lease-left').style.transform = 'scaleX(0)';
    byId('lease-stop').hidden = true;
    byId('lease-text').textContent = 'none: not holding the lock';
    return;
  }
  const elapsed = Date.now() + ahead - last.at;
  const left = Math.max(0, lease.leftMs - elapsed);
  const stopIn = Math.max(0, lease.stopInMs - elapsed);
  const whole = Math.max(timeoutMs, lease.leftMs);
  bar.dataset['level'] = stopIn <= 0 ? 'ending' : stopIn < timeoutMs / 5 ? 'low' : 'good';
  byId('lease-left').style.transform = `scaleX(${left / whole})`;
  const stop = byId('lease-stop');
  stop.hidden = false;
  stop.style.left = `${((lease.leftMs - lease.stopInMs) / whole) * 100}%`;
  const remaining = `${duration(left)} left; the command is stopped in ${duration(stopIn)}`;
  byId('lease-text').textContent = left <= 0 ? 'over' : `${remaining} unless it is renewed`;
}

function tick(): void {
  drawLease();
  const since = stateChanges().at(-1);
  byId('since').textContent =
    since === undefined || exitCode !== null
      ? ''
      : `for ${duration(Math.max(0, Date.now() + ahead - since.at))}`;
}

function connection(state: string, text: string): void {
  const shown = byId('connection');
  shown.dataset['state'] = state;
  shown.textContent = text;
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

function element(name: string, text = ''): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

byId('filter').addEventListener('input', drawEvents);
byId('renewals').addEventListener('change', drawEvents);
setInterval(tick, 200);
connect();
