/** One run of lockex, from its settings to its exit status: the machine, observed and logged. */
import { hostname } from 'node:os';
import type { InspectionEvent, SnapshotFrom } from 'xstate';
import { outputOf } from '../machines/context.ts';
import type { LockexEvent } from '../machines/contract.ts';
import { createLockexMachine, type lockexMachine } from '../machines/lockex.ts';
import { EXIT_FAILED } from '../machines/outcome.ts';
import { stateName } from '../machines/state-name.ts';
import type { ZookeeperActor } from './actors/zookeeper.ts';
import type { CommandSupervisor } from './command/supervisor.ts';
import type { Inspector } from './inspector/main.ts';
import type { Log } from './log/log.ts';
import { Reporter } from './log/reporter.ts';
import { reasonFor } from './log/state-messages.ts';
import { DeferredQueue } from './observers/deferred-queue.ts';
import { HookRunner } from './observers/hooks/hook-runner.ts';
import { onStateProgram } from './observers/hooks/on-state.ts';
import { notifyProgram } from './observers/hooks/systemd.ts';
import type { Phases } from './observers/timings.ts';
import type { Trace } from './observers/trace.ts';
import { inspectorPage } from './platform/installation.ts';
import { withoutSecrets } from './settings/access.ts';
import type { InspectSettings, LockexSettings, ObserverSettings } from './settings/settings.ts';
import { systemClock as clock } from './util/clock.ts';
import { version } from './util/version.ts';
import { createLockex } from './wiring.ts';

/** Longer than a handover takes. */
const LATER_MS = 10;

/** What there is before the rest is loaded. */
export interface Begun {
  readonly log: Log;
  /** The command is being parked. */
  readonly supervisor: CommandSupervisor;
  /** A session may be in the making. */
  readonly contention: ZookeeperActor;
  readonly phases: Phases;
  /** LOCKEX_TRACE. */
  readonly trace: Trace | null;
}

/** Never rejects: what goes wrong is logged, and ends in EXIT_FAILED. */
export async function run(
  settings: LockexSettings,
  observers: ObserverSettings,
  { log, supervisor, contention, phases, trace }: Begun,
): Promise<number> {
  const reporter = new Reporter({ log, clock });
  let onlookers: DeferredQueue<Transition> | null = null;
  const fail = (error: unknown) => {
    // What led to it comes first.
    onlookers?.tellAll();
    reporter.dispose();
    log.fail(error);
  };
  // A bug: the process ends here and now, and the guard ends the command. To Node a rejection that
  // nobody handles is an exception; to Bun it is not.
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.removeAllListeners(event);
    process.on(event, (error) => {
      fail(error);
      process.exit(EXIT_FAILED);
    });
  }
  // By itself the runtime would write them to process.stderr, whose first use makes a pipe
  // non-blocking for the command as well.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.write('debug', `${name}: ${message}`));
  const inspector = await openInspector(observers.inspect, settings, log);
  if (inspector === 'failed') {
    supervisor.dispose();
    return EXIT_FAILED;
  }
  const hooks = hooksOf(observers, settings, log);
  let before = '';
  // What is drawn on a terminal has to be gone before the command prints.
  const laterMs = log.isLive ? 0 : LATER_MS;
  const watching = new DeferredQueue<Transition>(
    laterMs,
    ({ snapshot: { value, context }, event }) => {
      const state = stateName(value);
      reporter.observe({ state, context }, event);
      inspector?.observe({ state, context }, event);
      const [top = ''] = state.split('.');
      if (top === before) return;
      const change = {
        state: top,
        from: before,
        reason: reasonFor(top, context, event),
        // It may be known before, but nothing is done by it.
        fencingToken: top === 'locked' ? null : (context.grant?.fencingToken ?? null),
        exitCode: top === 'done' ? outputOf(context).exitCode : null,
      };
      for (const hook of hooks) hook.changed(change);
      before = top;
    },
  );
  onlookers = watching;
  const { actor, output } = createLockex(settings, {
    log: log.write,
    supervisor,
    contention,
    inspect: (inspection) => {
      const transition = transitionIn(inspection);
      if (transition === null) return;
      phases.observe(transition.event);
      trace?.(stateName(transition.snapshot.value), transition.event);
      watching.push(transition);
    },
  });
  phases.end('load');
  actor.start();
  try {
    const result = await output;
    watching.tellAll();
    log.write('debug', `milliseconds since the process began: ${phases}`);
    reporter.conclude(result);
    await Promise.all([inspector?.conclude(result), ...hooks.map((hook) => hook.finish())]);
    return result.exitCode;
  } catch (error) {
    fail(error);
    return EXIT_FAILED;
  } finally {
    reporter.dispose();
    await log.flush();
  }
}

/** Programs that are told of each change of state. */
function hooksOf(
  { onState, readyWhen }: ObserverSettings,
  { lockId }: LockexSettings,
  log: Log,
): HookRunner[] {
  const warn = (message: string) => log.write('warn', message);
  const hooks: HookRunner[] = [];
  if (onState !== null) {
    const programFor = onStateProgram(onState, lockId, withoutSecrets(process.env));
    hooks.push(new HookRunner({ name: '--on-state', programFor, warn }));
  }
  if (process.env['NOTIFY_SOCKET']) {
    const programFor = notifyProgram(readyWhen, process.env);
    hooks.push(new HookRunner({ name: 'systemd-notify', programFor, warn }));
  }
  return hooks;
}

/** null: not asked for. 'failed', with a line: it can't be had. */
async function openInspector(
  inspect: InspectSettings | null,
  settings: LockexSettings,
  log: Log,
): Promise<Inspector | null | 'failed'> {
  if (inspect === null) return null;
  const { startInspector } = await import('./inspector/main.ts');
  const { lockId, lockPath, concurrent: leases } = settings;
  try {
    const inspector = await startInspector({
      inspect,
      servers: settings,
      head: { lockId, lockPath, leases, host: hostname(), pid: process.pid, version },
      clock,
      definition: () => JSON.stringify(createLockexMachine().definition),
      page: inspectorPage(),
    });
    log.write('info', `the inspector is at ${inspector.url}`, { url: inspector.url });
    if (!/^(127\.|localhost$|::1$)/.test(inspect.host)) {
      const open = 'the page and its token are sent unencrypted';
      log.write('warn', `--inspect ${inspect.host}: not a loopback address: ${open}`);
    }
    return inspector;
  } catch (error) {
    log.write('error', `--inspect: ${inspect.host}:${inspect.port}: ${whyNotThere(error)}`);
    await log.flush();
    return 'failed';
  }
}

/** Node and Bun say it in different words. */
function whyNotThere(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return WHY_NOT_THERE[code] ?? `${message} (${code})`;
}

const WHY_NOT_THERE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody listens there already',
  EADDRNOTAVAIL: 'no address of this host',
  EACCES: 'permission denied',
  ENOTFOUND: 'no such host',
  // Bun's word for a name that it can't resolve.
  ENOTSUP: 'no such host',
};

/** A transition of the machine. */
interface Transition {
  readonly snapshot: SnapshotFrom<typeof lockexMachine>;
  /** null: the first state. */
  readonly event: LockexEvent | null;
}

/** Out of all that can be inspected; null: something else. */
function transitionIn(inspection: InspectionEvent): Transition | null {
  if (inspection.type !== '@xstate.snapshot') return null;
  if (inspection.actorRef.sessionId !== inspection.rootId) return null;
  const { type } = inspection.event;
  return {
    snapshot: inspection.snapshot as SnapshotFrom<typeof lockexMachine>,
    event: type.startsWith('xstate.') ? null : (inspection.event as LockexEvent),
  };
}
