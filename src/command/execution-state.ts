/** The states of one execution of the command, in order, each with only its own data. */
import type { GrantInfo, LeaseInfo } from '../../machines/contract.ts';
import type { RunningCommand } from './running-command.ts';

export type ExecutionState =
  | { readonly name: 'idle' }
  /**
   * A gate is being parked, or is parked. `arming`: `arm` was not called, was called, or was
   * answered with command.armed. `grant`: not null once `start` was called.
   */
  | {
      readonly name: 'shut';
      readonly arming: 'unwanted' | 'wanted' | 'done';
      readonly lease: LeaseInfo | null;
      readonly grant: GrantInfo | null;
    }
  /** The command cannot be run, and no part of it has run. */
  | { readonly name: 'failed' }
  /** A stop was requested before the gate was opened; the gate is ending. */
  | { readonly name: 'closing' }
  /** The gate was opened: the command runs, or processes of it may be left. */
  | {
      readonly name: 'opened';
      readonly lease: LeaseInfo;
      readonly grant: GrantInfo;
      readonly command: RunningCommand;
    }
  /** command.stopped was emitted, or everything was killed by `dispose`. */
  | { readonly name: 'over' }
  /** Everything that was created for the command has been removed. */
  | { readonly name: 'released' };
