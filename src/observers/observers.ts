/**
 * All observers of a run: log, trace, timings, hooks and inspector. They receive each transition of
 * the machine, and have no effect on it.
 */
import type { InspectionEvent } from 'xstate';
import { outputOf } from '../../machines/context.ts';
import type { LockexContext, LockexEvent } from '../../machines/contract.ts';
import type { Output } from '../../machines/outcome.ts';
import { stateName } from '../../machines/state-name.ts';
import type { Inspector } from '../inspector/main.ts';
import type { Log } from '../log/log.ts';
import { Reporter } from '../log/reporter.ts';
import { reasonFor } from '../log/state-messages.ts';
import { withoutSecrets } from '../settings/access.ts';
import type { RunSettings } from '../settings/settings.ts';
import { systemClock as clock } from '../util/clock.ts';
import { DeferredQueue } from './deferred-queue.ts';
import { HookRunner, type StateChange } from './hooks/hook-runner.ts';
import { onStateProgram } from './hooks/on-state.ts';
import { notifyProgram } from './hooks/systemd.ts';
import { openInspector } from './inspector.ts';
import type { Timings } from './timings.ts';
import type { Trace } from './trace.ts';
import { observedState, type Transition, transitionIn } from './transition.ts';

/** Longer than a handover takes. */
const DELAY_MS = 10;

export interface ObserverOptions {
  readonly log: Log;
  readonly timings: Timings;
  /** null: no LOCKEX_TRACE. */
  readonly trace: Trace | null;
}

export class Observers {
  readonly #settings: RunSettings;
  readonly #log: Log;
  readonly #timings: Timings;
  readonly #trace: Trace | null;
  readonly #reporter: Reporter;
  readonly #hooks: readonly HookRunner[];
  readonly #queue: DeferredQueue<Transition>;
  #inspector: Inspector | null = null;
  /** The top-level state for which hooks were last run. */
  #hookState = '';

  constructor(settings: RunSettings, { log, timings, trace }: ObserverOptions) {
    this.#settings = settings;
    this.#log = log;
    this.#timings = timings;
    this.#trace = trace;
    this.#reporter = new Reporter({ log, clock });
    this.#hooks = hooksOf(settings, log);
    // A live line on a terminal has to be gone before the command prints.
    const delayMs = log.isLive ? 0 : DELAY_MS;
    this.#queue = new DeferredQueue(delayMs, (transition) => this.#observe(transition));
  }

  /** Returns false, after logging the reason, if a requested observer can't start. */
  async start(): Promise<boolean> {
    const { inspect } = this.#settings.observers;
    if (inspect === null) return true;
    this.#inspector = await openInspector(inspect, this.#settings, this.#log);
    return this.#inspector !== null;
  }

  // Bound, because XState calls it.
  readonly inspect = (inspection: InspectionEvent): void => {
    const transition = transitionIn(inspection);
    if (transition === null) return;
    this.#timings.observe(transition.event);
    this.#trace?.(stateName(transition.snapshot.value), transition.event);
    this.#queue.push(transition);
  };

  /** The machine is done: writes the last line, and waits for hooks and viewers, bounded. */
  async conclude(output: Output): Promise<void> {
    this.#queue.flush();
    this.#log.write('debug', `milliseconds since the process began: ${this.#timings}`);
    this.#reporter.conclude(output);
    await Promise.all([
      this.#inspector?.conclude(output),
      ...this.#hooks.map((hook) => hook.finish()),
    ]);
  }

  /** Logs a bug, after the transitions that led to it. */
  fail(error: unknown): void {
    this.#queue.flush();
    this.#reporter.dispose();
    this.#log.fail(error);
  }

  /** Writes the rest of the log, within a time limit. */
  async close(): Promise<void> {
    this.#reporter.dispose();
    await this.#log.flush();
  }

  #observe(transition: Transition): void {
    const observed = observedState(transition);
    const { event } = transition;
    this.#reporter.observe(observed, event);
    this.#inspector?.observe(observed, event);
    this.#runHooks(observed.state, observed.context, event);
  }

  #runHooks(name: string, context: LockexContext, event: LockexEvent | null): void {
    const [state = ''] = name.split('.');
    if (state === this.#hookState) return;
    const change: StateChange = {
      state,
      from: this.#hookState,
      reason: reasonFor(state, context, event),
      // In locked the token may be known, but the lease is not confirmed yet.
      fencingToken: state === 'locked' ? null : (context.grant?.fencingToken ?? null),
      exitCode: state === 'done' ? outputOf(context).exitCode : null,
    };
    for (const hook of this.#hooks) hook.changed(change);
    this.#hookState = state;
  }
}

/** Programs that are run at each change of state. */
function hooksOf({ observers, lock }: RunSettings, log: Log): HookRunner[] {
  const warn = (message: string) => log.write('warn', message);
  const hooks: HookRunner[] = [];
  if (observers.onState !== null) {
    const programFor = onStateProgram(observers.onState, lock.id, withoutSecrets(process.env));
    hooks.push(new HookRunner({ name: '--on-state', programFor, warn }));
  }
  if (process.env['NOTIFY_SOCKET']) {
    const programFor = notifyProgram(observers.readyWhen, process.env);
    hooks.push(new HookRunner({ name: 'systemd-notify', programFor, warn }));
  }
  return hooks;
}
