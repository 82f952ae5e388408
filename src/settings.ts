/** What a run needs to know: made by the command line, read by the wiring. Times in milliseconds. */
import type { LockexInput } from '../machines/contract.ts';

/** What is to be run: a line for `/bin/sh -c`, or a program and its arguments as they are. */
export type CommandLine =
  | { readonly kind: 'shell'; readonly line: string }
  | { readonly kind: 'program'; readonly argv: readonly [string, ...string[]] };

export interface LockexSettings extends LockexInput {
  readonly lockId: string;
  /** Where locks live, without slashes around it. */
  readonly lockPath: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** '' or `/a/b`. */
  readonly chroot: string;
  /** Leases of the semaphore; 1: a plain lock. */
  readonly concurrent: number;
  /** Bound of one try to connect, and the session timeout to ask for. */
  readonly timeoutMs: number;
  readonly command: CommandLine;
  /** Stand a guard up beside the command. */
  readonly guard: boolean;
}
