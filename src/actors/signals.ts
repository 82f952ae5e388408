/**
 * The signals that lockex receives, as events. Never ends the process and never passes a signal on:
 * the machine decides what a signal means.
 *
 * Until it is started, SIGTERM ends lockex without a message, and early-signals.ts handles SIGUSR1,
 * which would open Node's debugger.
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

  /** Signals have their default effect again. */
  stop(): void {
    for (const signal of WATCHED) process.off(signal, this.#listener);
  }

  #received(signal: NodeJS.Signals): void {
    // Ignored, as by nohup.
    if (signal === 'SIGHUP' && this.#ignoresHangup) return;
    this.#emit({ type: 'signal.received', signal, number: constants.signals[signal] });
  }
}

/**
 * True if lockex was started with SIGHUP ignored. Node resets every signal except SIGPIPE and
 * SIGXFSZ to its default before it runs any script (node.cc, PlatformInit), so the process's own
 * mask is not enough. A parent that ignores it (a script under nohup) shows it, and so does `_`, in
 * which bash, zsh and ksh leave the path of the program that they ran (nohup). Not detected: `nohup
 * lockex` in a shell that does not set `_`.
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
