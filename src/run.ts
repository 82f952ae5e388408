/** One run of lockex: from its settings, through the machine, to its exit status. */
import { EXIT_FAILED } from '../machines/outcome.ts';
import type { ZookeeperActor } from './actors/zookeeper.ts';
import type { CommandSupervisor } from './command/supervisor.ts';
import type { Log } from './log/log.ts';
import { Observers } from './observers/observers.ts';
import type { Timings } from './observers/timings.ts';
import type { Trace } from './observers/trace.ts';
import type { RunSettings } from './settings/settings.ts';
import { createLockex } from './wiring.ts';

/** The parts of a run that exist before the rest is loaded. */
export interface EarlyParts {
  readonly log: Log;
  /** The command is being parked. */
  readonly commandActor: CommandSupervisor;
  /** Possibly, a session is being established. */
  readonly zookeeperActor: ZookeeperActor;
  readonly timings: Timings;
  /** null: no LOCKEX_TRACE. */
  readonly trace: Trace | null;
}

/** Never rejects: a failure is logged and ends in EXIT_FAILED. */
export async function run(settings: RunSettings, early: EarlyParts): Promise<number> {
  const { log, commandActor, zookeeperActor, timings } = early;
  const observers = new Observers(settings, early);
  handleBugs(log, observers);
  if (!(await observers.start())) {
    commandActor.dispose();
    await observers.close();
    return EXIT_FAILED;
  }
  const { inspect } = observers;
  const { actor, output } = createLockex(settings, {
    log: log.write,
    ...{ commandActor, zookeeperActor, inspect },
  });
  timings.end('load');
  actor.start();
  try {
    const result = await output;
    await observers.conclude(result);
    return result.exitCode;
  } catch (error) {
    observers.fail(error);
    return EXIT_FAILED;
  } finally {
    await observers.close();
  }
}

/** A bug ends the process at once, and the guard kills the command. */
function handleBugs(log: Log, observers: Observers): void {
  // Node raises an unhandled rejection as an uncaught exception; Bun does not.
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.removeAllListeners(event);
    process.on(event, (error) => {
      observers.fail(error);
      process.exit(EXIT_FAILED);
    });
  }
  // The runtime's own listener would write to process.stderr, and its first use makes a pipe
  // non-blocking for the command too.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.write('debug', `${name}: ${message}`));
}
