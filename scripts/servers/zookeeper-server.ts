/**
 * One ZooKeeper server: its directory, its JVM, and operations on it. zookeeper.ts chooses the
 * ports and the other members.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuardedProcess } from './guarded-process.ts';
import { startGuarded } from './guarded-process.ts';
import { fourLetterWord, LOOPBACK } from './loopback.ts';
import { findZookeeper } from './zookeeper-home.ts';

export interface ServerOptions {
  /** The client port; default: a free one. Not for ensembles. */
  port?: number;
  /** Milliseconds; default: 500, which allows session timeouts from 1000 to 10000 ms. */
  tickTime?: number;
  /** Milliseconds. */
  minSessionTimeout?: number;
  /** Milliseconds. */
  maxSessionTimeout?: number;
  /** In ticks. */
  initLimit?: number;
  /** In ticks. */
  syncLimit?: number;
  /** More lines of zoo.cfg; they override those above. */
  config?: Readonly<Record<string, string | number | boolean>>;
  /** Such as `-Dzookeeper.…`. */
  jvmArguments?: readonly string[];
  /** The server is killed after this time in any case; default: 3600. */
  maxLifeSeconds?: number;
}

export type Role = 'leader' | 'follower' | 'observer' | 'standalone';

export const POLL_MS = 25;
export const READY_MS = 60_000;
const GRACE_MS = 5000;
const MAX_LIFE_SECONDS = 3600;

/** A small heap, only the C1 compiler and no perf files: starts fastest on two cores. */
const JVM_FLAGS = [
  '-Xmx128m',
  '-Xshare:auto',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-Djava.net.preferIPv4Stack=true',
  '-Dzookeeper.forceSync=no',
  '-Dzookeeper.preAllocSize=64',
  '-Dzookeeper.jmx.log4j.disable=true',
];

/**
 * ZooKeeper logs by log4j 1 up to 3.7 and in Debian, by logback since: a configuration for each.
 */
const LOG4J = `log4j.rootLogger=WARN, CONSOLE
log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender
log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout
log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %-5p [%t:%c{1}] %m%n
`;
const LOGBACK = `<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %-5p [%t:%c{1}] %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="CONSOLE"/></root>
</configuration>
`;

/** One server process and its directory. It can be killed and started again on the same data. */
export class Server {
  #process: GuardedProcess | undefined;
  #removed = false;
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  readonly options: ServerOptions;

  constructor({ port, dir, options }: { port: number; dir: string; options: ServerOptions }) {
    this.host = LOOPBACK;
    this.port = port;
    this.dir = dir;
    this.options = options;
  }

  get connectString() {
    return `${this.host}:${this.port}`;
  }

  /** Of the current JVM, or of the last one. */
  get pid() {
    if (this.#process === undefined) throw new Error('the server has not been started');
    return this.#process.pid;
  }

  get running() {
    return this.#process?.running ?? false;
  }

  async start() {
    if (this.running) throw new Error(`the server on port ${this.port} is already running`);
    if (this.#removed) throw new Error(`the server on port ${this.port} was stopped and removed`);
    const { java, classpath } = zookeeperOrThrow();
    this.#process = await startGuarded({
      command: [
        java,
        ...JVM_FLAGS,
        ...(this.options.jvmArguments ?? []),
        '-cp',
        [this.dir, classpath].join(delimiter),
        'org.apache.zookeeper.server.quorum.QuorumPeerMain',
        join(this.dir, 'zoo.cfg'),
      ],
      cwd: this.dir,
      logFile: join(this.dir, 'log'),
      maxLifeSeconds: this.options.maxLifeSeconds ?? MAX_LIFE_SECONDS,
    });
  }

  /** Waits until it serves clients. A member of an ensemble needs a quorum. */
  async ready(timeoutMs: number = READY_MS) {
    const deadline = performance.now() + timeoutMs;
    while ((await this.role()) === undefined) {
      if (!this.running) throw new Error(`ZooKeeper exited during its start:\n${this.log()}`);
      if (performance.now() > deadline) {
        throw new Error(`ZooKeeper wasn't ready within ${timeoutMs} ms:\n${this.log()}`);
      }
      await sleep(POLL_MS);
    }
  }

  fourLetter(word: string, options: { timeoutMs?: number } = {}) {
    return fourLetterWord(this.port, word, options);
  }

  /** Undefined while it serves no client: down, paused, or without a quorum. */
  async role(): Promise<Role | undefined> {
    const answer = await this.fourLetter('srvr').catch(() => '');
    const mode = /^Mode: (leader|follower|observer|standalone)$/m.exec(answer)?.[1];
    return mode as Role | undefined;
  }

  /** The last lines of the server's log. */
  log(lines = 30) {
    return readFileSync(join(this.dir, 'log'), 'utf8').split('\n').slice(-lines).join('\n');
  }

  /** SIGSTOP: connections stay open, and the server answers no request after this has resolved. */
  async pause() {
    await this.#process?.pause();
  }

  resume() {
    this.#process?.signal('SIGCONT');
  }

  /** Sends SIGKILL; restart() uses the same data. */
  async kill() {
    await this.#process?.kill();
  }

  /** Stops it, if it runs, and starts it again on the same port and data. */
  async restart({ ready = true } = {}) {
    await this.#process?.terminate(GRACE_MS);
    await this.start();
    if (ready) await this.ready();
  }

  /** SIGTERM, then SIGKILL if that takes too long; removes the directory. May be called again. */
  async stop() {
    this.#removed = true;
    await this.#process?.terminate(GRACE_MS);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Writes the server's directory, without starting the server. */
export function prepareServer({
  port,
  options,
  id,
  lines = [],
}: {
  port: number;
  options: ServerOptions;
  id?: number;
  lines?: string[];
}) {
  const dir = mkdtempSync(join(tmpdir(), 'lockex-zookeeper-'));
  const config = {
    tickTime: options.tickTime ?? 500,
    minSessionTimeout: options.minSessionTimeout,
    maxSessionTimeout: options.maxSessionTimeout,
    // In ticks, and generous: a loaded machine must not make an ensemble fall apart.
    initLimit: options.initLimit ?? 40,
    syncLimit: options.syncLimit ?? 10,
    dataDir: join(dir, 'data'),
    clientPort: port,
    clientPortAddress: LOOPBACK,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
    ...options.config,
  };
  const settings = Object.entries(config).filter(([, value]) => value !== undefined);
  const text = [...settings.map(([name, value]) => `${name}=${value}`), ...lines, ''].join('\n');
  mkdirSync(join(dir, 'data'));
  if (id !== undefined) writeFileSync(join(dir, 'data', 'myid'), `${id}\n`);
  writeFileSync(join(dir, 'zoo.cfg'), text);
  writeFileSync(join(dir, 'log4j.properties'), LOG4J);
  writeFileSync(join(dir, 'logback.xml'), LOGBACK);
  return new Server({ port, dir, options });
}

function zookeeperOrThrow() {
  const found = findZookeeper();
  if (found) return found;
  throw new Error(
    'ZooKeeper or Java is missing: install them (Debian: libzookeeper-java, ' +
      'macOS: brew install zookeeper) or set ZOOKEEPER_HOME',
  );
}
