/**
 * Marks that every process of the command inherits, and that identify it even after it has left the
 * session and the cgroup. The gate sets them and reports which ones it could set; only those are
 * used.
 *
 * - Timer slack (prctl(2), PR_SET_TIMERSLACK): an unusual number of nanoseconds, inherited over
 *   fork, exec, setsid, PAM and a change of user. Only CAP_SYS_NICE may read that of another
 *   process (fs/proc/base.c, timerslack_ns_show), so no other user can read and imitate it.
 * - Limit mark: a soft RLIMIT_LOCKS, which has had no effect since Linux 2.4.25 (getrlimit(2)).
 *   Every user can read it in /proc/PID/limits, so it counts only for processes of lockex's own
 *   user.
 * - A variable in the environment: its name can be read in ZooKeeper, so it counts only for
 *   processes of lockex's own user.
 *
 * PAM's limits module resets the second, sudo and su the third; daemons such as redis overwrite
 * their environment.
 */
import { randomHex } from '../../util/random.ts';
import { type ProcessRecord, readUser } from './process-table.ts';
import { known, type Reading, readText, valueOr } from './reading.ts';

export interface Marks {
  /** Name of the variable in its environment. */
  readonly variable: string;
  /** Soft RLIMIT_LOCKS; null: the gate could not set it. */
  readonly limit: string | null;
  /** Nanoseconds of timer slack; null: not set, or not readable for lockex. */
  readonly slack: string | null;
}

/** From 2^46 to 2^47: unlikely as a real limit, and small enough for every shell. */
export function newLimit(): string {
  return String(2 ** 46 + (Number.parseInt(randomHex(6), 16) % 2 ** 46));
}

/** capability(7) */
const CAP_SYS_NICE = 23;

/**
 * From 50,001 to 150,000 ns (default: 50,000), so a sleep may take up to 0.1 ms longer. null if
 * lockex cannot read the slack of other processes.
 */
export function newSlack(): string | null {
  // A process can always read its own slack: if lockex is process 1, its capabilities decide.
  const status = valueOr(readText('/proc/self/status'), null) ?? '';
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  if (((capabilities >> BigInt(CAP_SYS_NICE)) & 1n) === 0n) return null;
  if (valueOr(readText('/proc/1/timerslack_ns'), null) === null) return null;
  return String(50_001 + (Number.parseInt(randomHex(6), 16) % 100_000));
}

/** True if a process carries one of the marks, and cannot have imitated it. */
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

/** True if a process was started with this variable and has not overwritten its environment. */
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

/** Empty if the process has ended, or lockex has no permission to read it: then it has no mark. */
function readMark(path: string): Reading<string> {
  const text = readText(path);
  if (text.known) return known(text.value ?? '');
  return /^(EACCES|EPERM) /.test(text.reason) ? known('') : text;
}
