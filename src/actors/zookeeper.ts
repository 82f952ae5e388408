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

/** The part of the settings that contention needs; of the command, only its name is published. */
type ZookeeperSettings = Pick<LockexSettings, 'access' | 'lock'> & {
  readonly command: Pick<LockexSettings['command'], 'line'>;
  readonly machine: Pick<LockexSettings['machine'], 'killAfterMs' | 'oncePerMs'>;
};

export class ZookeeperActor {
  readonly #contender: Contender;
  readonly #events = new EventBuffer<ZookeeperEvent>();
  #isAhead = false;

  constructor(
    settings: ZookeeperSettings,
    { log, clock, onRemains, onConnected }: ZookeeperActorOptions,
  ) {
    const { access, machine } = settings;
    this.#contender = new Contender({
      ...{ clock, killAfterMs: machine.killAfterMs },
      connectTimeoutMs: access.timeoutMs,
      newSession: () => {
        const session = new Session({ ...access, clock, log });
        session.on('connected', () => onConnected?.());
        return session;
      },
      runRecord: machine.oncePerMs === null ? null : runRecordOf(settings),
      newRecipe: (session, guid) => newRecipe(settings, { session, guid, log }),
      emit: (event) => {
        // Before anybody else hears of it: the guard is to know every session that has a node.
        if (event.type === 'session.established' || event.type === 'session.resumed') {
          onRemains(remainsOf(settings, event.session, this.#contender));
        }
        this.#events.emit(event);
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
  settings: ZookeeperSettings,
  { timeoutMs }: SessionInfo,
  contender: Contender,
): string {
  const credentials = contender.credentials();
  if (credentials === null) return '';
  const { auth } = settings.access;
  // The reaper has no environment of ours; to end a session it need not be anybody.
  const access = { ...accessOf(settings.access), auth: auth?.kind === 'file' ? auth : null };
  return encodeOrphanedSession({ access, timeoutMs, credentials });
}

function pathOf({ lock }: ZookeeperSettings): string {
  return `/${lock.path}/${lock.id}`;
}

function runRecordOf(settings: ZookeeperSettings): RunRecordOptions {
  return { path: runRecordPath(pathOf(settings)), data: nodeDataOf(settings) };
}

/** Who we are, for people who look at our nodes. */
function nodeDataOf(settings: ZookeeperSettings): Buffer {
  return encodeNodeData({
    host: hostname(),
    pid: process.pid,
    user: userName(),
    command: commandName(settings.command.line),
    version,
  });
}

function newRecipe(
  settings: ZookeeperSettings,
  { session, guid, log }: { session: Session; guid: string; log: LogFunction },
): Recipe {
  const [path, data] = [pathOf(settings), nodeDataOf(settings)];
  if (settings.lock.concurrent > 1) {
    return new Semaphore(session, { path, leases: settings.lock.concurrent, guid, data });
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
    kind: settings.lock.shared ? 'shared' : 'exclusive',
    recipe: settings.lock.recipe,
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
