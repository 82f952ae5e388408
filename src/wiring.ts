/**
 * The one place that joins the machine with its actors: ZooKeeper, the command, signals.
 *
 * It translates calls, and it holds the last resort: a machine that failed can't stop a command any
 * more, so the command is killed without it.
 */
import { hostname, userInfo } from 'node:os';
import { basename } from 'node:path';
import {
  type Actor,
  createActor,
  type EventObject,
  fromCallback,
  type InspectionEvent,
} from 'xstate';
import type {
  CommandCommand,
  CommandEvent,
  SignalEvent,
  ZookeeperCommand,
  ZookeeperEvent,
} from '../machines/contract.ts';
import { createLockexMachine, type lockexMachine } from '../machines/lockex.ts';
import type { Output } from '../machines/outcome.ts';
import { accessOf } from './access.ts';
import { type Clock, systemClock } from './clock.ts';
import { SignalWatcher } from './command/signals.ts';
import type { CommandSupervisor } from './command/supervisor.ts';
import type { CommandLine, LockexSettings } from './settings.ts';
import { superviseCommand } from './supervision.ts';
import { version } from './version.ts';
import { Contender } from './zookeeper/contender.ts';
import { Lock } from './zookeeper/lock.ts';
import { encodeNodeData } from './zookeeper/node-data.ts';
import { encodeRemains } from './zookeeper/reap.ts';
import type { Recipe } from './zookeeper/recipe.ts';
import { type RunRecordOptions, runRecordPath } from './zookeeper/run-record.ts';
import { leasesIn, Semaphore } from './zookeeper/semaphore.ts';
import { Session } from './zookeeper/session.ts';

export interface LockexDependencies {
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  readonly clock?: Clock;
  readonly inspect?: (event: InspectionEvent) => void;
  /** Called each time a socket to a server stands. */
  readonly onConnected?: () => void;
  /** The program that ends the session of a lockex that is gone; without it, its timeout does. */
  readonly reaper?: readonly string[];
  /** The command's supervisor, where it was made beforehand. Then the reaper is known to it. */
  readonly supervisor?: CommandSupervisor;
}

export interface Lockex {
  readonly actor: Actor<typeof lockexMachine>;
  /** Settles when the machine is done; rejects when it failed, with the command killed. */
  readonly output: Promise<Output>;
}

/** Makes a machine with its real actors; `actor.start()` begins. */
export function createLockex(settings: LockexSettings, dependencies: LockexDependencies): Lockex {
  const clock = dependencies.clock ?? systemClock;
  const { log, reaper = null } = dependencies;
  const supervisor = dependencies.supervisor ?? superviseCommand(settings, { log, clock, reaper });
  let contender: Contender | null = null;

  const zookeeper = fromCallback<ZookeeperCommand, undefined, ZookeeperEvent>(
    ({ sendBack, receive }) => {
      const actor = new Contender({
        clock,
        log,
        connectTimeoutMs: settings.timeoutMs,
        killAfterMs: settings.killAfterMs,
        newSession: () => {
          const { timeoutMs } = settings;
          const session = new Session({ ...accessOf(settings), timeoutMs, clock, log });
          session.on('connected', () => dependencies.onConnected?.());
          return session;
        },
        runRecord: settings.oncePerMs === null ? null : runRecordOf(settings),
        newRecipe: (session, guid) => newRecipe(settings, session, guid),
        emit: (event) => {
          // Before the machine hears of it: the guard is to know every session that has a node.
          if (event.type === 'session.established') {
            supervisor.tellReaper(remainsOf(settings, actor));
          }
          sendBack(event);
        },
      });
      contender = actor;
      receive((command) => actor.send(command));
      return () => actor.dispose();
    },
  );

  const command = fromCallback<CommandCommand, undefined, CommandEvent>(({ sendBack, receive }) => {
    supervisor.listen(sendBack);
    receive((order) => supervisor.send(order));
    return () => supervisor.dispose();
  });

  const signals = fromCallback<EventObject, undefined, SignalEvent>(({ sendBack }) => {
    const watcher = new SignalWatcher(sendBack, supervisor);
    watcher.start();
    return () => watcher.stop();
  });

  const actor = createActor(createLockexMachine({ zookeeper, command, signals }), {
    input: settings,
    ...(dependencies.inspect && { inspect: dependencies.inspect }),
  });
  const output = new Promise<Output>((resolve, reject) => {
    actor.subscribe({
      complete: () => resolve(actor.getSnapshot().output as Output),
      error: (error) => {
        // Invoked actors outlive a machine that failed (xstate#5153): end them by hand.
        supervisor.dispose();
        contender?.dispose();
        reject(error);
      },
    });
  });
  return { actor, output };
}

/** '' while there is no session to end. */
function remainsOf(settings: LockexSettings, contender: Contender): string {
  const credentials = contender.credentials();
  if (credentials === null) return '';
  const { auth, timeoutMs } = settings;
  // The reaper has no environment of ours; to end a session it need not be anybody.
  const access = { ...accessOf(settings), auth: auth?.kind === 'file' ? auth : null };
  return encodeRemains({ access, timeoutMs, credentials });
}

function pathOf({ lockPath, lockId }: LockexSettings): string {
  return `/${lockPath}/${lockId}`;
}

function runRecordOf(settings: LockexSettings): RunRecordOptions {
  return { path: runRecordPath(pathOf(settings)), data: nodeDataOf(settings) };
}

/** Who we are, for people who look at our nodes. */
function nodeDataOf(settings: LockexSettings): Buffer {
  return encodeNodeData({
    host: hostname(),
    pid: process.pid,
    user: userName(),
    command: commandName(settings.command),
    version,
  });
}

function newRecipe(settings: LockexSettings, session: Session, guid: string): Recipe {
  const [path, data] = [pathOf(settings), nodeDataOf(settings)];
  if (settings.concurrent > 1) {
    return new Semaphore(session, { path, leases: settings.concurrent, guid, data });
  }
  const refusal = (parentData: Buffer | undefined) => {
    const leases = leasesIn(parentData);
    return leases === null
      ? null
      : `${path} is a semaphore of ${leases} (-c ${leases}): it can't be a plain lock as well`;
  };
  return new Lock(session, {
    path,
    guid,
    kind: settings.shared ? 'shared' : 'exclusive',
    data,
    refusal,
  });
}

/** Without its arguments, which can carry secrets; so can the words of a shell line. */
function commandName(command: CommandLine): string {
  if (command.kind === 'program') return basename(command.argv[0]);
  const [first = ''] = command.line.trim().split(/\s+/, 1);
  const isPlain = /^[\w./+-]+$/.test(first) && !SHELL_WORDS.has(first);
  return isPlain ? basename(first) : 'sh';
}

const SHELL_WORDS = new Set(['while', 'until', 'for', 'if', 'case', 'cd', 'set', 'exec', 'trap']);

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user that /etc/passwd doesn't know.
    return String(process.getuid?.() ?? '');
  }
}
