/**
 * One lockex as a contender at its ZooKeeper, as the settings want it. A file of its own, which knows
 * nothing of the machine: a session is made while the rest is still being loaded.
 */
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { SessionInfo, ZookeeperCommand, ZookeeperEvent } from '../../machines/contract.ts';
import { userName } from '../platform/user-name.ts';
import { accessOf } from '../settings/access.ts';
import type { CommandLine } from '../settings/command-line.ts';
import type { LockexSettings } from '../settings/settings.ts';
import type { Clock } from '../util/clock.ts';
import { EventBuffer } from '../util/event-buffer.ts';
import type { LogFunction } from '../util/log-level.ts';
import { version } from '../util/version.ts';
import { Contender } from '../zookeeper/contender.ts';
import { encodeOrphanedSession } from '../zookeeper/reap.ts';
import { Lock } from '../zookeeper/recipes/lock.ts';
import { encodeNodeData } from '../zookeeper/recipes/node-data.ts';
import type { Recipe } from '../zookeeper/recipes/recipe.ts';
import { type RunRecordOptions, runRecordPath } from '../zookeeper/recipes/run-record.ts';
import { leasesIn, Semaphore } from '../zookeeper/recipes/semaphore.ts';
import { Session } from '../zookeeper/session/session.ts';

export interface ZookeeperActorOptions {
  readonly log: LogFunction;
  readonly clock: Clock;
  /** Told what would end the session, in one line, as soon as there is one; '': nothing would. */
  readonly onRemains: (remains: string) => void;
  /** Called each time a socket to a server stands. */
  readonly onConnected?: (() => void) | undefined;
}

export class ZookeeperActor {
  readonly #contender: Contender;
  readonly #events = new EventBuffer<ZookeeperEvent>();
  #isAhead = false;

  constructor(
    settings: LockexSettings,
    { log, clock, onRemains, onConnected }: ZookeeperActorOptions,
  ) {
    const { timeoutMs, killAfterMs, oncePerMs } = settings;
    this.#contender = new Contender({
      ...{ clock, killAfterMs },
      connectTimeoutMs: timeoutMs,
      newSession: () => {
        const session = new Session({ ...accessOf(settings), timeoutMs, clock, log });
        session.on('connected', () => onConnected?.());
        return session;
      },
      runRecord: oncePerMs === null ? null : runRecordOf(settings),
      newRecipe: (session, guid) => newRecipe(settings, { session, guid, log }),
      emit: (event) => {
        // Before anybody else hears of it: the guard is to know every session that has a node.
        if (event.type === 'session.established' || event.type === 'session.resumed') {
          onRemains(remainsOf(settings, event.session, this.#contender));
        }
        this.#events.tell(event);
      },
    });
  }

  /** Does beforehand what the machine wants first: its first `session.connect` is then done. */
  connectAhead(): void {
    this.#isAhead = true;
    this.#contender.send({ type: 'session.connect' });
  }

  listen(emit: (event: ZookeeperEvent) => void): void {
    this.#events.listen(emit);
  }

  send(command: ZookeeperCommand): void {
    const isDone = this.#isAhead && command.type === 'session.connect';
    this.#isAhead = false;
    if (!isDone) this.#contender.send(command);
  }

  dispose(): void {
    this.#contender.dispose();
  }
}

/** '' while there is no session to end. */
function remainsOf(
  settings: LockexSettings,
  { timeoutMs }: SessionInfo,
  contender: Contender,
): string {
  const credentials = contender.credentials();
  if (credentials === null) return '';
  const { auth } = settings;
  // The reaper has no environment of ours; to end a session it need not be anybody.
  const access = { ...accessOf(settings), auth: auth?.kind === 'file' ? auth : null };
  return encodeOrphanedSession({ access, timeoutMs, credentials });
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

function newRecipe(
  settings: LockexSettings,
  { session, guid, log }: { session: Session; guid: string; log: LogFunction },
): Recipe {
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
    recipe: settings.recipe,
    warn: (message) => log('warn', message),
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
