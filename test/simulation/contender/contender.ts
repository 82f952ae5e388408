/**
 * A simulated lockex: the real machine and the real ZooKeeper actor (contender, attempt, session,
 * lease, recipes) in a simulated process, with an in-memory command. It is started again whenever
 * it has ended, as a supervisor would.
 */
import type { SignalEvent, ZookeeperCommand } from '../../../machines/contract.ts';
import { ZookeeperActor } from '../../../src/actors/zookeeper.ts';
import type { LockexSettings, LockSettings } from '../../../src/settings/settings.ts';
import { createLockex } from '../../../src/wiring.ts';
import { Session } from '../../../src/zookeeper/session/session.ts';
import { SimulatedHost, SimulatedProcess } from '../kernel/process.ts';
import { ProcessClock } from '../kernel/process-clock.ts';
import type { Network } from '../network/network.ts';
import { SimulatedSocket } from '../network/socket.ts';
import { CommandHost } from './command-host.ts';
import type { HostEvents } from './execution.ts';

export interface ContenderOptions {
  readonly network: Network;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly lock: LockSettings;
  readonly timeoutMs: number;
  readonly killAfterMs: number;
  readonly maxRunMs: () => number;
  readonly events: HostEvents;
  readonly onViolation: (message: string) => void;
}

interface Life {
  readonly process: SimulatedProcess;
  readonly command: CommandHost;
  signal: (event: SignalEvent) => void;
}

/** Between the end of a lockex and its next start; milliseconds. */
const RESTART_MS = 100;

export class SimulatedContender {
  readonly host: SimulatedHost;
  readonly #options: ContenderOptions;
  #life: Life | null = null;
  #lives = 0;
  /** Packets written to servers. */
  writes = 0;
  #session: Session | null = null;

  constructor(options: ContenderOptions) {
    this.#options = options;
    this.host = new SimulatedHost(options.network.simulation, options.name);
  }

  get name(): string {
    return this.#options.name;
  }

  get process(): SimulatedProcess | null {
    return this.#life?.process ?? null;
  }

  get guardProcess(): SimulatedProcess | null {
    return this.#life?.command.guard?.process ?? null;
  }

  /** True while a process of its command may live. */
  get mayRun(): boolean {
    return this.#life?.command.mayBeAlive === true;
  }

  /** Milliseconds until the guard fires, by the newest deadline that it echoed. */
  get guardLeftMs(): number {
    return this.#life?.command.guardLeftMs ?? 0;
  }

  /** Name of the server's host; null while the session is not attached. */
  get server(): string | null {
    return this.#session?.attached?.server.split(':')[0] ?? null;
  }

  start(): void {
    if (this.#life !== null) return;
    this.#lives += 1;
    const { network, name, maxRunMs, events } = this.#options;
    const process = new SimulatedProcess(this.host, `${name} life ${this.#lives}`);
    const clock = new ProcessClock(process);
    const command = new CommandHost({ process, clock, maxRunMs, events });
    const life: Life = { process, command, signal: () => {} };
    this.#life = life;
    const { actor, output } = createLockex(this.#settings, {
      ...{ clock, log: () => {}, commandActor: command },
      zookeeperActor: this.#zookeeperActor(life, clock),
      watchSignals: (emit) => {
        life.signal = emit;
        return () => {};
      },
    });
    const isOver = () => {
      process.end();
      network.simulation.schedule(RESTART_MS, () => this.#restart(life));
    };
    output.then(isOver, (error) => {
      this.#options.onViolation(`${name}: the machine failed: ${error}`);
      isOver();
    });
    process.enter(() => actor.start());
    network.simulation.awaken();
  }

  /** SIGKILL; a new lockex is started some time later. */
  kill(downMs: number): void {
    const life = this.#life;
    if (life === null) return;
    life.process.end();
    this.#options.network.simulation.schedule(downMs, () => this.#restart(life));
  }

  terminate(): void {
    const life = this.#life;
    life?.process.enter(() => {
      this.#options.network.simulation.awaken();
      life.signal({ type: 'signal.received', signal: 'SIGTERM', number: 15 });
    });
  }

  #restart(life: Life): void {
    if (life !== this.#life) return;
    this.#life = null;
    this.start();
  }

  #zookeeperActor({ process, command }: Life, clock: ProcessClock): ZookeeperActor {
    const { network, name, onViolation } = this.#options;
    const stream = network.simulation.random(`chance of ${process.name}`);
    const random = () => stream.fraction();
    const actor = new ZookeeperActor(this.#settings, {
      ...{ log: () => {}, clock, onSessionToClose: () => {} },
      replacements: {
        random,
        wallClock: clock.wallClock,
        newGuid: () =>
          Array.from({ length: 16 }, () => stream.below(256).toString(16).padStart(2, '0')).join(
            '',
          ),
        newSession: (options) => {
          this.#session = new Session({
            ...{ ...options, random, defer: clock.defer, lookup: async () => [] },
            openSocket: (to) => this.#countingSocket(new SimulatedSocket(network, process, to)),
          });
          return this.#session;
        },
      },
    });
    const send = actor.send.bind(actor);
    actor.send = (message: ZookeeperCommand) => {
      const isRelease = message.type === 'lock.release' || message.type === 'session.close';
      if (isRelease && command.mayBeAlive) {
        onViolation(`${name}: ${message.type} while a process of the command lives`);
      }
      send(message);
    };
    return actor;
  }

  #countingSocket(socket: SimulatedSocket): SimulatedSocket {
    const write = socket.write.bind(socket);
    socket.write = (bytes, onTaken) => {
      this.writes += 1;
      return write(bytes, onTaken);
    };
    return socket;
  }

  get #settings(): LockexSettings {
    const { hosts, lock, timeoutMs, killAfterMs } = this.#options;
    return {
      access: {
        hosts: hosts.map((host) => ({ host, port: 2181 })),
        ...{ chroot: '', auth: null, tls: null, timeoutMs },
        acl: [{ permissions: 31, scheme: 'world', id: 'anyone' }],
      },
      lock,
      command: { line: { kind: 'program', argv: ['command'] }, guard: true },
      machine: {
        ...{ connectTries: 3, lockTries: 3, waitMs: null, onLost: 'rejoin', killAfterMs },
        ...{ conflictExitCode: 1, maxRuntimeMs: null, leftovers: 'stop', holdMs: null },
        ...{ oncePerMs: null, skipExitCode: 0 },
      },
    };
  }
}
