/**
 * The ZooKeeper actor: a contender with the session and the recipe that the settings describe. It
 * does not depend on the machine, so a session is created while the rest of lockex is still being
 * loaded.
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
import type { AttemptOptions } from '../zookeeper/attempt-parts.ts';
import { Contender } from '../zookeeper/contender.ts';
import { encodeOrphanedSession } from '../zookeeper/reap.ts';
import { Lock } from '../zookeeper/recipes/lock.ts';
import { encodeNodeData } from '../zookeeper/recipes/node-data.ts';
import type { Recipe } from '../zookeeper/recipes/recipe.ts';
import { type RunRecordOptions, runRecordPath } from '../zookeeper/recipes/run-record.ts';
import { permitsIn, Semaphore } from '../zookeeper/recipes/semaphore.ts';
import { Session, type SessionOptions } from '../zookeeper/session/session.ts';

/** @internal Not in the published types, which need no types of Node. */
export interface Replacements extends Pick<AttemptOptions, 'random' | 'newGuid' | 'wallClock'> {
  readonly newSession?: (options: SessionOptions) => Session;
}

export interface ZookeeperActorOptions {
  readonly log: LogFunction;
  readonly clock: Clock;
  /**
   * Called with the line for the reaper whenever the session to close changes; '': there is none.
   */
  readonly onSessionToClose: (line: string) => void;
  /** Called each time a socket to a server is connected. */
  readonly onConnected?: (() => void) | undefined;
  /** @internal The parts that a simulation replaces. */
  readonly replacements?: Replacements;
}

/** The part of the settings that a contender needs. Only the name of the command is published. */
type ZookeeperSettings = Pick<LockexSettings, 'access' | 'lock'> & {
  readonly command: Pick<LockexSettings['command'], 'line'>;
  readonly machine: Pick<LockexSettings['machine'], 'killAfterMs' | 'oncePerMs'>;
};

export class ZookeeperActor {
  readonly #contender: Contender;
  readonly #events = new EventBuffer<ZookeeperEvent>();
  #isAhead = false;

  constructor(settings: ZookeeperSettings, options: ZookeeperActorOptions) {
    const { log, clock, onSessionToClose, onConnected, replacements = {} } = options;
    const { access, machine } = settings;
    const { newSession = (own) => new Session(own), ...chance } = replacements;
    this.#contender = new Contender({
      ...{ ...chance, clock, killAfterMs: machine.killAfterMs },
      connectTimeoutMs: access.timeoutMs,
      newSession: () => {
        const session = newSession({ ...access, clock, log });
        session.on('connected', () => onConnected?.());
        return session;
      },
      runRecord: machine.oncePerMs === null ? null : runRecordOf(settings),
      newRecipe: (session, guid) => newRecipe(settings, { session, guid, log }),
      emit: (event) => {
        // Before the event is emitted: the guard must know every session that can have a node.
        if (event.type === 'session.established' || event.type === 'session.resumed') {
          onSessionToClose(sessionToClose(settings, event.session, this.#contender));
        }
        this.#events.emit(event);
      },
    });
  }

  /** Executes `session.connect`, the machine's first command, before the machine sends it. */
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

/** '' while there is no session to close. */
function sessionToClose(
  settings: ZookeeperSettings,
  { timeoutMs }: SessionInfo,
  contender: Contender,
): string {
  const credentials = contender.credentials();
  if (credentials === null) return '';
  const { auth } = settings.access;
  // The reaper does not get our environment, and needs no authentication to close a session.
  const access = { ...accessOf(settings.access), auth: auth?.kind === 'file' ? auth : null };
  return encodeOrphanedSession({ access, timeoutMs, credentials });
}

function pathOf({ lock }: ZookeeperSettings): string {
  return `/${lock.path}/${lock.id}`;
}

function runRecordOf(settings: ZookeeperSettings): RunRecordOptions {
  return { path: runRecordPath(pathOf(settings)), data: nodeDataOf(settings) };
}

/** The data of our nodes, for human readers. */
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
    return new Semaphore(session, { path, permits: settings.lock.concurrent, guid, data });
  }
  const refusal = (parentData: Buffer | undefined) => {
    const permits = permitsIn(parentData);
    return permits === null
      ? null
      : `${path} is a semaphore of ${permits} (-c ${permits}): it cannot be a plain lock too`;
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

/**
 * Without arguments, which can be secrets; the same applies to the rest of a shell command line.
 */
function commandName(command: CommandLine): string {
  if (command.kind === 'program') return basename(command.argv[0]);
  const [first = ''] = command.line.trim().split(/\s+/, 1);
  const isPlain = /^[\w./+-]+$/.test(first) && !SHELL_KEYWORDS.has(first);
  return isPlain ? basename(first) : 'sh';
}

const SHELL_KEYWORDS = new Set([
  'while',
  'until',
  'for',
  'if',
  'case',
  'cd',
  'set',
  'exec',
  'trap',
]);
