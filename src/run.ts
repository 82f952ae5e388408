/** One run of lockex, from its settings to its exit status: the machine, observed and logged. */
import { fileURLToPath } from 'node:url';
import type { InspectionEvent, SnapshotFrom } from 'xstate';
import type { LockexEvent } from '../machines/contract.ts';
import type { lockexMachine } from '../machines/lockex.ts';
import { EXIT_FAILED } from '../machines/outcome.ts';
import { stateName } from '../machines/state-name.ts';
import { createLog } from './cli/log.ts';
import { Narrator } from './cli/narrator.ts';
import type { LogSettings } from './cli/parse.ts';
import { systemClock as clock } from './clock.ts';
import type { LockexSettings } from './settings.ts';
import { traceTo } from './trace.ts';
import { createLockex } from './wiring.ts';

/** Never rejects: what goes wrong is logged, and ends in EXIT_FAILED. */
export async function run(
  settings: LockexSettings,
  { format, level }: LogSettings,
): Promise<number> {
  const log = createLog({ format, level, lockId: settings.lockId, pid: process.pid });
  const narrator = new Narrator({ log, clock });
  const traceFile = process.env['LOCKEX_TRACE'];
  const trace = traceFile ? traceTo(traceFile, clock) : null;
  const fail = (error: unknown) => {
    narrator.dispose();
    log.fail(error);
  };
  // A bug: the process ends here and now, and the guard ends the command.
  process.on('uncaughtException', (error) => {
    fail(error);
    process.exit(EXIT_FAILED);
  });
  const { actor, output } = createLockex(settings, {
    log: log.write,
    reaper: [process.execPath, fileURLToPath(new URL('reaper.js', import.meta.url))],
    inspect: (inspection) => {
      const seen = transitionIn(inspection);
      if (seen === null) return;
      const { value, context } = seen.snapshot;
      const state = stateName(value);
      trace?.(state, seen.event);
      narrator.observe({ state, context }, seen.event);
    },
  });
  actor.start();
  try {
    const result = await output;
    narrator.conclude(result);
    return result.exitCode;
  } catch (error) {
    fail(error);
    return EXIT_FAILED;
  } finally {
    narrator.dispose();
    await log.flush();
  }
}

/** A transition of the machine itself, out of all that can be inspected; null: something else. */
function transitionIn(inspection: InspectionEvent): {
  readonly snapshot: SnapshotFrom<typeof lockexMachine>;
  /** null: the first state. */
  readonly event: LockexEvent | null;
} | null {
  if (inspection.type !== '@xstate.snapshot') return null;
  if (inspection.actorRef.sessionId !== inspection.rootId) return null;
  const { type } = inspection.event;
  return {
    snapshot: inspection.snapshot as SnapshotFrom<typeof lockexMachine>,
    event: type.startsWith('xstate.') ? null : (inspection.event as LockexEvent),
  };
}
