/**
 * The signals that lockex is sent, as events. Never ends the process and never passes anything on:
 * the machine says what a signal means.
 *
 * Until it stands, SIGTERM ends lockex without a word, and SIGUSR1, which would open Node's debugger,
 * is taken by early-signals.ts.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import type { SignalEvent } from '../../machines/contract.ts';

const WATCHED = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGTSTP',
] as const satisfies readonly NodeJS.Signals[];

export class SignalWatcher {
  readonly #emit: (event: SignalEvent) => void;
  readonly #ignoresHangup: boolean;
  readonly #listener = (signal: NodeJS.Signals) => this.#received(signal);

  constructor(emit: (event: SignalEvent) => void, { ignoreHangup }: { ignoreHangup: boolean }) {
    this.#emit = emit;
    this.#ignoresHangup = ignoreHangup;
  }

  start(): void {
    for (const signal of WATCHED) process.on(signal, this.#listener);
  }

  /** From here on signals do to lockex what they do to any program. */
  stop(): void {
    for (const signal of WATCHED) process.off(signal, this.#listener);
  }

  #received(signal: NodeJS.Signals): void {
    // Caught and dropped, which to the sender is the same as ignored.
    if (signal === 'SIGHUP' && this.#ignoresHangup) return;
    this.#emit({ type: 'signal.received', signal, number: constants.signals[signal] });
  }
}

/**
 * Whether whoever started us wanted SIGHUP ignored. Node sets every signal but SIGPIPE and SIGXFSZ
 * back to its default before it runs a line of ours (node.cc, PlatformInit), so that our own state
 * says little; then a parent that ignores it (a script under nohup) tells, and `_`, in which bash,
 * zsh and ksh leave the path of what they ran (nohup itself). What is missed: `nohup lockex` typed
 * in a shell that sets no `_`.
 */
export function isHangupIgnored(env: Readonly<Record<string, string | undefined>>): boolean {
  if (ignoresHangup('self') || ignoresHangup(String(process.ppid))) return true;
  return env['_'] !== undefined && basename(env['_']) === 'nohup';
}

function ignoresHangup(pid: string): boolean {
  try {
    return maskHolds(readFileSync(`/proc/${pid}/status`, 'latin1'), constants.signals.SIGHUP);
  } catch {
    return false;
  }
}

/** The SigIgn line of /proc/PID/status (proc(5)): a bit for each signal, the first for 1. */
export function maskHolds(status: string, signal: number): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
