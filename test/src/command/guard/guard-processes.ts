/** Shared by the tests of the guard: a command, and queries of a guard's processes. */
import { readFileSync } from 'node:fs';
import { readProcessTable, signal } from '../../../support/process-list.ts';
import { onCleanUp } from '../harness.ts';

export const SLEEPER = {
  kind: 'shell',
  line: "trap '' TERM HUP INT; sleep 300; sleep 300",
} as const;

/** Processes of the guard's session. */
export function sessionOf(pid: number): readonly number[] {
  return [...readProcessTable().values()]
    .filter(({ session, state }) => session === pid && !'ZX'.includes(state))
    .map((record) => record.pid);
}

/**
 * Stops all processes of a session. The clean-up kills those that are left: a stopped guard does
 * not notice that lockex has gone.
 */
export function stopSession(session: number): void {
  for (const record of readProcessTable().values()) {
    if (record.session !== session || !signal(record, 'SIGSTOP')) continue;
    onCleanUp(() => void signal(record, 'SIGKILL'));
  }
}

/** The guard of a holder: a child of it whose argv ends in `guard`. */
export function guardOf(holder: number): number {
  const found = [...readProcessTable().values()].find(
    ({ pid, parent }) => parent === holder && wordsOf(pid).at(-1) === 'guard',
  );
  if (found === undefined) throw new Error('no guard');
  return found.pid;
}

export function wordsOf(pid: number): readonly string[] {
  return textOf(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
}

/** Empty if the process has ended. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Neither stopped nor dead. */
export const RUNNING = /[RSD]/;
