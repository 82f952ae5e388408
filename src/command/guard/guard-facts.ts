/**
 * The facts that a guard needs to find and kill the command's processes, as lines of its protocol
 * (guard.sh). Each replaces the previous fact of the same name.
 */
import type { Identity } from '../options.ts';
import type { Marks } from '../processes/inherited-marks.ts';
import type { GuardKeeper } from './guard-keeper.ts';

type Receiver = Pick<GuardKeeper, 'setFact'>;

/** Before the gate is opened. `reaper`: its argv; `marker`: name of the environment variable. */
export function setInitialFacts(guard: Receiver, reaper: readonly string[], marker: string): void {
  guard.setFact('reaper', 'reaper', ...reaper.map((argument) => `argument ${argument}`));
  guard.setFact('marker', `marker ${marker}`);
  guard.setFact('gate state', 'shut');
}

export function setGate(guard: Receiver, gate: Identity, init: Identity | null): void {
  guard.setFact('gate', `gate ${gate.pid} ${gate.start}`);
  guard.setFact('init', `init ${init?.pid ?? ''} ${init?.start ?? ''}`);
}

export function setCgroup(guard: Receiver, directory: string | null): void {
  guard.setFact('directory', `directory ${directory ?? ''}`);
}

export function setMarks(guard: Receiver, { limit, slack }: Marks): void {
  guard.setFact('limit', `limit ${limit ?? ''}`);
  guard.setFact('slack', `slack ${slack ?? ''}`);
}

/** If the list is empty, the guard keeps the previous one; it compares start times. */
export function setProcesses(guard: Receiver, processes: readonly Identity[]): void {
  const list = processes.map(({ pid, start }) => `${pid}:${start}`);
  if (list.length > 0) guard.setFact('processes', ['processes', ...list].join(' '));
}

/** `credentials`: one line for the reaper's stdin. */
export function setCredentials(guard: Receiver, credentials: string): void {
  guard.setFact('credentials', `credentials ${credentials}`);
}
