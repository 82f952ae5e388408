/**
 * Real ZooKeeper servers for tests, the demo and `npm start`: on loopback, with data in a temp folder
 * that goes when they stop. None outlives the process that started it. Never for production data:
 * nothing is synced to disk.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGuarded } from './guarded-process.js';
import { fourLetterWord, freePort, freePorts, LOOPBACK } from './loopback.js';
import { findZookeeper } from './zookeeper-home.js';

export { findZookeeper };

/** @typedef {import('./zookeeper.d.ts').ServerOptions} ServerOptions */
/** @typedef {import('./zookeeper.d.ts').EnsembleOptions} EnsembleOptions */
/** @typedef {import('./zookeeper.d.ts').MemberAddress} MemberAddress */

const POLL_MS = 25;
const READY_MS = 60_000;
const GRACE_MS = 5000;
const MAX_LIFE_SECONDS = 3600;

/** A small heap, the quick compiler only and no perf files: what starts soonest on two cores. */
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

/** ZooKeeper logs by log4j 1 up to 3.7 and in Debian, by logback since: a configuration for each. */
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

/** One server process and its folder. It can be killed and started again on the same data. */
class Server {
  /** @type {import('./guarded-process.js').GuardedProcess | undefined} */
  #process;
  #removed = false;

  /** @param {{ port: number, dir: string, options: ServerOptions }} parts */
  constructor({ port, dir, options }) {
    this.host = LOOPBACK;
    this.port = port;
    this.dir = dir;
    this.options = options;
  }

  get connectString() {
    return `${this.host}:${this.port}`;
  }

  /** Of the present JVM, or of the last one. */
  get pid() {
    if (this.#process === undefined) throw new Error('the server has not been started');
    return this.#process.pid;
  }

  get running() {
    return this.#process?.running ?? false;
  }

  async start() {
    if (this.running) throw new Error(`the server on port ${this.port} runs already`);
    if (this.#removed) throw new Error(`the server on port ${this.port} was stopped for good`);
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

  /** Until it serves clients: as a member, only with a quorum. @param {number} [timeoutMs] */
  async ready(timeoutMs = READY_MS) {
    const deadline = performance.now() + timeoutMs;
    while ((await this.role()) === undefined) {
      if (!this.running) throw new Error(`ZooKeeper ended as it started:\n${this.log()}`);
      if (performance.now() > deadline) {
        throw new Error(`ZooKeeper wasn't ready within ${timeoutMs} ms:\n${this.log()}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** @param {string} word */
  fourLetter(word, options = {}) {
    return fourLetterWord(this.port, word, options);
  }

  /** Undefined while it serves nobody: down, paused, or without a quorum. */
  async role() {
    const answer = await this.fourLetter('srvr').catch(() => '');
    const mode = /^Mode: (leader|follower|standalone)$/m.exec(answer)?.[1];
    return /** @type {'leader' | 'follower' | 'standalone' | undefined} */ (mode);
  }

  /** The end of what the server has logged. */
  log(lines = 30) {
    return readFileSync(join(this.dir, 'log'), 'utf8').split('\n').slice(-lines).join('\n');
  }

  pause() {
    this.#process?.signal('SIGSTOP');
  }

  resume() {
    this.#process?.signal('SIGCONT');
  }

  /** SIGKILL; the data stays, for restart(). */
  async kill() {
    await this.#process?.kill();
  }

  /** Ends it, if it runs, and starts it again on the same port and data. */
  async restart({ ready = true } = {}) {
    await this.#process?.terminate(GRACE_MS);
    await this.start();
    if (ready) await this.ready();
  }

  /** SIGTERM, SIGKILL when that takes too long; then its folder goes. Harmless when repeated. */
  async stop() {
    this.#removed = true;
    await this.#process?.terminate(GRACE_MS);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** @param {ServerOptions} [options] @returns {Promise<Server>} ready to serve */
export async function startServer(options = {}) {
  // Somebody else may take the free port before ZooKeeper does; a port that was asked for must do.
  for (let attemptsLeft = options.port === undefined ? 3 : 1; ; attemptsLeft--) {
    const server = prepareServer({ port: options.port ?? (await freePort()), options });
    try {
      await server.start();
      await server.ready();
      return server;
    } catch (error) {
      await server.stop();
      if (attemptsLeft === 1 || !/Address already in use/.test(String(error))) throw error;
    }
  }
}

/** @param {EnsembleOptions} [options] @returns {Promise<Ensemble>} with a leader, all members ready */
export async function startEnsemble(options = {}) {
  const { size = 3, reach } = options;
  const ports = await freePorts(size * 3);
  const addresses = Array.from({ length: size }, (_, index) => ({
    id: index + 1,
    host: LOOPBACK,
    port: /** @type {number} */ (ports[index * 3]),
    quorumPort: /** @type {number} */ (ports[index * 3 + 1]),
    electionPort: /** @type {number} */ (ports[index * 3 + 2]),
  }));
  /** @type {Server[]} */
  const members = [];
  const ensemble = new Ensemble(members);
  try {
    for (const self of addresses) {
      const lines = await Promise.all(addresses.map((member) => memberLine(self, member, reach)));
      members.push(prepareServer({ port: self.port, options, id: self.id, lines }));
    }
    await Promise.all(members.map((member) => member.start()));
    await Promise.all(members.map((member) => member.ready()));
    return ensemble;
  } catch (error) {
    await ensemble.stop();
    throw error;
  }
}

class Ensemble {
  /** @param {Server[]} members in the order of their ids, from 1 */
  constructor(members) {
    this.members = members;
  }

  get connectString() {
    return this.members.map((member) => member.connectString).join(',');
  }

  /** Waits for one, as there is none during an election. @param {number} [timeoutMs] */
  async leader(timeoutMs = READY_MS) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const [leader] = await this.#withRole('leader');
      if (leader) return leader;
      if (performance.now() > deadline) throw new Error(`no leader within ${timeoutMs} ms`);
      await sleep(POLL_MS);
    }
  }

  /** Those that follow a leader at the moment. */
  async followers() {
    return await this.#withRole('follower');
  }

  /** @param {'leader' | 'follower'} wanted */
  async #withRole(wanted) {
    const roles = await Promise.all(this.members.map((member) => member.role()));
    return this.members.filter((_, index) => roles[index] === wanted);
  }

  async stop() {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

/**
 * How `self` knows `member`, in `self`'s own file. Its own address is the real one: it listens there.
 *
 * @param {MemberAddress} self
 * @param {MemberAddress} member
 * @param {EnsembleOptions['reach']} reach
 */
async function memberLine(self, member, reach) {
  const seen =
    reach === undefined || self.id === member.id ? member : await reach({ from: self, to: member });
  return `server.${member.id}=${seen.host}:${seen.quorumPort}:${seen.electionPort}`;
}

/**
 * Writes the server's folder; starts nothing.
 *
 * @param {{ port: number, options: ServerOptions, id?: number, lines?: string[] }} parts
 */
function prepareServer({ port, options, id, lines = [] }) {
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
    'ZooKeeper or Java is missing: install them (Debian: zookeeper, macOS: brew install zookeeper) or set ZOOKEEPER_HOME',
  );
}
