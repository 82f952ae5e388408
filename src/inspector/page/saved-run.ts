/**
 * A run as a file: JSON with what the feed has shown, and no more. Files come from anywhere, so
 * everything that the page reads from one is checked. Pure.
 */
import type { FeedEntry, FeedHead } from '../feed.ts';
import { type LockReport, Run } from './run.ts';

const FORMAT = 'lockex run';
const VERSION = 1;
export const MAX_FILE_BYTES = 20_000_000;

/** @param savedAt milliseconds since 1970 */
export function textOfRun(run: Run, savedAt: number): string {
  const { head, entries, locks, exitCode } = run;
  const text = { format: FORMAT, version: VERSION, savedAt, head, exitCode, entries, locks };
  return `${JSON.stringify(text)}\n`;
}

/** `lockex-redis-20261127T141733Z.json` */
export function nameOfFile(run: Run): string {
  const id = run.head.lockId.replace(/[^\w.-]+/g, '_');
  const start = new Date(run.entries[0]?.at ?? 0).toISOString().replace(/[-:]|\.\d+/g, '');
  return `lockex-${id}-${start}.json`;
}

/** @throws Error with one line for the user */
export function runOfText(text: string): Run {
  if (text.length > MAX_FILE_BYTES) throw new Error('the file is larger than 20 MB');
  const file = objectIn(parsed(text), 'the file');
  if (file['format'] !== FORMAT) throw new Error('not a saved run of lockex');
  if (file['version'] !== VERSION)
    throw new Error(`saved in format ${file['version']}; this page reads format ${VERSION}`);
  const run = new Run(headOf(file['head']));
  for (const entry of listIn(file['entries'], 'entries')) run.add(entryOf(entry));
  for (const report of listIn(file['locks'], 'locks')) run.addLock(lockOf(report));
  if (run.entries.length === 0) throw new Error('the file has no entries');
  const { exitCode } = file;
  run.exitCode = exitCode === null ? null : numberIn(exitCode, 'exitCode');
  return run;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('not a JSON file');
  }
}

function headOf(value: unknown): FeedHead {
  const head = objectIn(value, 'head');
  for (const name of ['lockId', 'lockPath', 'host', 'version']) stringIn(head[name], name);
  for (const name of ['leases', 'pid']) numberIn(head[name], name);
  const limits = objectIn(head['limits'], 'limits');
  numberIn(limits['killAfterMs'], 'killAfterMs');
  for (const name of ['waitMs', 'maxRuntimeMs']) nullOr(numberIn, limits[name], name);
  return head as unknown as FeedHead;
}

function entryOf(value: unknown): FeedEntry {
  const entry = objectIn(value, 'entry');
  numberIn(entry['number'], 'number');
  timeIn(entry['at'], 'at');
  stringIn(entry['state'], 'state');
  listIn(entry['tags'], 'tags');
  const event = nullOr(objectIn, entry['event'], 'event');
  if (event !== null) {
    stringIn(event['type'], 'type');
    objectIn(event['details'], 'details');
  }
  checkFacts(objectIn(entry['facts'], 'facts'));
  return entry as unknown as FeedEntry;
}

function checkFacts(facts: Readonly<Record<string, unknown>>): void {
  for (const name of ['server', 'path', 'fencingToken']) nullOr(stringIn, facts[name], name);
  for (const name of ['timeoutMs', 'commandPid']) nullOr(numberIn, facts[name], name);
  const exit = nullOr(objectIn, facts['exit'], 'exit');
  const signal = exit === null ? null : nullOr(objectIn, exit['signal'], 'signal');
  if (signal !== null) stringIn(signal['name'], 'name');
  const queue = nullOr(objectIn, facts['queue'], 'queue');
  if (queue !== null) {
    numberIn(queue['position'], 'position');
    for (const each of listIn(queue['holders'], 'holders'))
      stringIn(objectIn(each, 'holder')['label'], 'label');
    nullOr(objectIn, queue['behind'], 'behind');
  }
  const lease = nullOr(objectIn, facts['lease'], 'lease');
  if (lease !== null) for (const name of ['leftMs', 'stopInMs']) numberIn(lease[name], name);
  const loss = nullOr(objectIn, facts['loss'], 'loss');
  if (loss !== null) {
    stringIn(loss['message'], 'message');
    nullOr(numberIn, loss['leftMs'], 'leftMs');
  }
  const outcome = nullOr(objectIn, facts['outcome'], 'outcome');
  if (outcome !== null) stringIn(outcome['kind'], 'kind');
}

function lockOf(value: unknown): LockReport {
  const report = objectIn(value, 'lock');
  timeIn(report['at'], 'at');
  nullOr(stringIn, report['problem'], 'problem');
  const lock = nullOr(objectIn, report['lock'], 'lock');
  if (lock !== null)
    for (const name of ['holders', 'waiters'])
      for (const contender of listIn(lock[name], name)) objectIn(contender, 'contender');
  return report as unknown as LockReport;
}

type Fields = Readonly<Record<string, unknown>>;

function nullOr<T>(check: (value: unknown, name: string) => T, value: unknown, name: string) {
  return value === null ? null : check(value, name);
}

function objectIn(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`damaged file: ${name} is not an object`);
  return value as Fields;
}

function listIn(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`damaged file: ${name} is not a list`);
  return value;
}

function stringIn(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new Error(`damaged file: ${name} is not a text`);
  return value;
}

function numberIn(value: unknown, name: string): number {
  if (typeof value !== 'number') throw new Error(`damaged file: ${name} is not a number`);
  return value;
}

/** A time that Date can represent (ECMAScript: 8.64e15 ms). */
function timeIn(value: unknown, name: string): number {
  const time = numberIn(value, name);
  if (!(Math.abs(time) <= 8.64e15)) throw new Error(`damaged file: ${name} is not a time`);
  return time;
}
