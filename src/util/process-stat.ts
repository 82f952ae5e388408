/**
 * The parser of /proc/PID/stat (proc_pid_stat(5)). Pure: reads no file.
 */

export interface ProcessStat {
  readonly pid: number;
  /** The kernel's short name, at most 15 bytes: what `ps -o comm` shows. */
  readonly name: string;
  /** R, S, D, T, Z, … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The foreground process group of the controlling terminal; -1: it has none. */
  readonly foregroundGroup: number;
  readonly threads: number;
  /** Start time: clock ticks since boot. */
  readonly start: number;
}

/** null for any other text. The name is in parentheses and may hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const rest = text.slice(close + 2).split(' ');
  const field = (number: number) => Number(rest[number - 3] ?? Number.NaN);
  const numbers = {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    group: field(5),
    session: field(6),
    foregroundGroup: field(8),
    threads: field(20),
    start: field(22),
  };
  if (!Object.values(numbers).every(Number.isFinite)) return null;
  return { ...numbers, name: text.slice(open + 1, close), state: rest[0] ?? '?' };
}
