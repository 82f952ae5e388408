/**
 * Marks that every process of the command inherits, by which it is found wherever it has gone. The
 * gate sets them and reports which it could set; only those are looked for, and claimed.
 *
 * - Timer slack (prctl(2), PR_SET_TIMERSLACK): an unusual number of nanoseconds, inherited over fork,
 *   exec, setsid, PAM and a change of user. Only CAP_SYS_NICE may read that of another process
 *   (fs/proc/base.c, timerslack_ns_show), so that no other user can learn and imitate it.
 * - A soft limit on file locks (RLIMIT_LOCKS) that is not in use otherwise. Linux has not obeyed that
 *   limit since 2.4.25 (getrlimit(2)), so that it limits nothing. Readable for everyone in
 *   /proc/PID/limits, and therefore counted only for processes of our own user.
 * - A variable in the environment: counted only for processes of our own user, because its name can
 *   be read in ZooKeeper.
 *
 * PAM's limits module resets the second, sudo and su the third; daemons such as redis overwrite their
 * environment.
 */
import { randomHex } from '../../util/random.ts';
import { type ProcessRecord, readUser } from './process-table.ts';
import { known, type Reading, readText, valueOr } from './reading.ts';

export interface Marks {
  /** Name of the variable in its environment. */
  readonly variable: string;
  /** Value of RLIMIT_LOCKS; null: the gate could not set it. */
  readonly limit: string | null;
  /** Nanoseconds of timer slack; null: not set, or not readable for us. */
  readonly slack: string | null;
}

/** From 2^46 to 2^47: no limit that a person would choose, and small enough for every shell. */
export function newLimit(): string {
  return String(2 ** 46 + (Number.parseInt(randomHex(6), 16) % 2 ** 46));
}

/** capability(7) */
const CAP_SYS_NICE = 23;

/**
 * From 50,001 to 150,000 ns, where the default is 50,000: a sleep may take up to 0.1 ms longer than it
 * would without. null where lockex could not read it of others.
 */
export function newSlack(): string | null {
  // Our own can be read without: where lockex is process 1 its capabilities tell.
  const status = valueOr(readText('/proc/self/status'), null) ?? '';
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  if (((capabilities >> BigInt(CAP_SYS_NICE)) & 1n) === 0n) return null;
  if (valueOr(readText('/proc/1/timerslack_ns'), null) === null) return null;
  return String(50_001 + (Number.parseInt(randomHex(6), 16) % 100_000));
}

/** Whether a process carries one of the marks, and may be the command's because of it. */
export function isMarked({ pid }: ProcessRecord, marks: Marks): Reading<boolean> {
  const slack = marks.slack === null ? known(false) : hasSlack(pid, marks.slack);
  if (!slack.known || slack.value) return slack;
  const limit = marks.limit === null ? known(false) : hasLimit(pid, marks.limit);
  if (!limit.known) return limit;
  const isCandidate = limit.value ? limit : hasVariable(pid, marks.variable);
  if (!isCandidate.known || !isCandidate.value) return isCandidate;
  const user = readUser(pid);
  return user.known ? known(user.value === process.getuid?.()) : user;
}

/** Whether a process was started with this variable, as far as it hasn't overwritten its own. */
export function hasVariable(pid: number, name: string): Reading<boolean> {
  const text = readMark(`/proc/${pid}/environ`);
  if (!text.known) return text;
  return known(text.value.startsWith(`${name}=`) || text.value.includes(`\0${name}=`));
}

function hasSlack(pid: number, slack: string): Reading<boolean> {
  const text = readMark(`/proc/${pid}/timerslack_ns`);
  return text.known ? known(text.value.trim() === slack) : text;
}

function hasLimit(pid: number, limit: string): Reading<boolean> {
  const text = readMark(`/proc/${pid}/limits`);
  return text.known ? known(/^Max file locks\s+(\d+)\s/m.exec(text.value)?.[1] === limit) : text;
}

/** Empty where the process has ended, and where we have no right to read it: it does not count then. */
function readMark(path: string): Reading<string> {
  const text = readText(path);
  if (text.known) return known(text.value ?? '');
  return /^(EACCES|EPERM) /.test(text.reason) ? known('') : text;
}
