/**
 * The facts that a guard needs to find and kill the command's processes, in the lines of its protocol
 * (the guard's script). Each replaces the earlier fact of the same name.
 */
import type { Identity } from '../options.ts';
import type { Marks } from '../processes/inherited-marks.ts';
import type { GuardKeeper } from './guard-keeper.ts';

type Receiver = Pick<GuardKeeper, 'tell'>;

/** Before the gate is opened. `reaper`: its argv; `marker`: name of the environment variable. */
export function tellAtStart(guard: Receiver, reaper: readonly string[], marker: string): void {
  guard.tell('reaper', 'reaper', ...reaper.map((word) => `word ${word}`));
  guard.tell('marker', `marker ${marker}`);
  guard.tell('gate state', 'shut');
}

export function tellGate(guard: Receiver, gate: Identity, init: Identity | null): void {
  guard.tell('gate', `gate ${gate.pid} ${gate.start}`);
  guard.tell('init', `init ${init?.pid ?? ''} ${init?.start ?? ''}`);
}

export function tellCgroup(guard: Receiver, directory: string | null): void {
  guard.tell('directory', `directory ${directory ?? ''}`);
}

export function tellMarks(guard: Receiver, { limit, slack }: Marks): void {
  guard.tell('brand', `brand ${limit ?? ''}`);
  guard.tell('slack', `slack ${slack ?? ''}`);
}

/** Without any, the guard keeps the old list; it compares the start times. */
export function tellProcesses(guard: Receiver, processes: readonly Identity[]): void {
  const list = processes.map(({ pid, start }) => `${pid}:${start}`);
  if (list.length > 0) guard.tell('ours', ['ours', ...list].join(' '));
}

/** `credentials`: one line for the reaper's stdin. */
export function tellCredentials(guard: Receiver, credentials: string): void {
  guard.tell('credentials', `credentials ${credentials}`);
}
