/**
 * A simulation of several machines that contend for one lock, in simulated time: a server that
 * grants and expires, connections that are cut, commands that exit, hang or ignore SIGTERM, answers
 * that come late or twice. Everything is derived from one seed, so that a walk can be replayed.
 *
 * The actors implement the contract of `machines/contract.ts` and nothing more; the lease is a
 * simple one (proven by each renewal), since its arithmetic has its own tests.
 */
import { createActor, type EventObject, fromCallback } from 'xstate';
import type {
  CommandCommand,
  CommandEvent,
  LeaseInfo,
  LockexInput,
  SignalEvent,
  StopReport,
  ZookeeperCommand,
  ZookeeperEvent,
} from '../../machines/contract.ts';
import { lockexMachine } from '../../machines/lockex.ts';
import { stateName } from '../../machines/state-name.ts';
import { type Random, randomOf } from '../support/random.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { signals } from './facts.ts';

const T = 30_000;
const GRACE = 5000;

interface SimulatedSession {
  readonly owner: Player;
  alive: boolean;
  reachable: boolean;
  lastTouch: number;
  queued: boolean;
}

/** The lock as the leader sees it. */
class Server {
  readonly queue: SimulatedSession[] = [];
  grants = 0;

  constructor(readonly world: World) {}

  leave(session: SimulatedSession): void {
    session.queued = false;
    const place = this.queue.indexOf(session);
    if (place < 0) return;
    this.queue.splice(place, 1);
    const next = this.queue[0];
    if (place === 0 && next) next.owner.zookeeper.first(next);
  }

  /** Expires at lastTouch + T, unless touched again. */
  watch(session: SimulatedSession): void {
    this.world.clock.setTimeout(
      () => {
        if (!session.alive) return;
        if (this.world.clock.now() < session.lastTouch + T) return this.watch(session);
        session.alive = false;
        this.leave(session);
      },
      session.lastTouch + T - this.world.clock.now(),
    );
  }
}

class SimulatedZookeeper {
  session: SimulatedSession | null = null;
  emit: (event: ZookeeperEvent) => void = () => {};
  lease: LeaseInfo | null = null;
  over = false;

  constructor(
    readonly world: World,
    readonly player: Player,
  ) {}

  obey(command: ZookeeperCommand): void {
    const { session } = this;
    switch (command.type) {
      case 'session.connect':
        return this.later(() => this.connect());
      case 'lock.join':
        return this.later(() => this.join());
      case 'lock.confirm':
        return this.later(() => {
          if (session !== null && session === this.session) this.confirm(session);
        });
      case 'run.record':
        return this.later(() =>
          this.say({ type: 'run.recorded', confirmed: this.world.chance(0.9), message: '' }),
        );
      case 'lock.release':
        this.over = true;
        return this.later(() => {
          const confirmed = session?.reachable === true && session.alive;
          if (confirmed) this.world.releasedBy(this.player, session);
          this.say({ type: 'lock.released', confirmed, message: '' });
        });
      case 'session.abandon':
        this.over = true;
        this.session = null;
        return;
      case 'session.close':
        this.over = true;
        this.session = null;
        return this.later(() => {
          if (session?.reachable && session.alive) this.world.releasedBy(this.player, session);
          this.say({ type: 'session.closed', clean: true });
        });
    }
  }

  connect(): void {
    const { clock, server } = this.world;
    const old = this.session;
    if (old?.reachable && old.alive) this.world.releasedBy(this.player, old);
    if (this.world.chance(0.1)) {
      return this.say({
        type: 'session.unreachable',
        hosts: [{ host: 'a:1', problem: 'refused' }],
      });
    }
    const session = {
      owner: this.player,
      alive: true,
      reachable: true,
      lastTouch: clock.now(),
      queued: false,
    };
    this.session = session;
    this.over = false;
    this.lease = null;
    server.watch(session);
    const lease = this.renew();
    this.tick(session);
    if (lease === null) return;
    this.say({ type: 'session.established', session: { server: 'a:1', timeoutMs: T }, lease });
  }

  join(): void {
    const { session } = this;
    if (this.over || !session?.reachable || !session.alive) return;
    const { queue } = this.world.server;
    if (!session.queued) {
      session.queued = true;
      queue.push(session);
    }
    if (queue[0] === session) return this.grant(session);
    this.say({
      type: 'lock.queued',
      queue: { position: queue.indexOf(session), holders: [], behind: null },
    });
  }

  /** The contender ahead has left the queue. */
  first(session: SimulatedSession): void {
    this.later(() => {
      const isCurrent = session === this.session && session.alive;
      if (isCurrent && session.reachable && !this.over) this.grant(session);
    });
  }

  /** In half of the cases the grant comes with a confirmed lease. */
  grant(session: SimulatedSession): void {
    if (this.world.chance(0.5)) this.confirm(session);
    else this.say({ type: 'lock.granted' });
  }

  confirm(session: SimulatedSession): void {
    if (this.over || !session.reachable || !session.alive) return;
    const lease = this.renew();
    if (lease === null) return;
    const fencingToken = String(++this.world.server.grants);
    const grant = { path: `/x/${fencingToken}`, fencingToken };
    this.say({ type: 'lock.confirmed', grant, lease, lastRun: null });
  }

  /** Renewals while connected; stopAt, and the server's verdict, while not. */
  tick(session: SimulatedSession): void {
    this.world.clock.setTimeout(() => {
      if (session !== this.session || this.over) return;
      const now = this.world.clock.now();
      const { lease } = this;
      if (lease && now >= lease.stopAt) return this.lose('leaseEnding', lease.leaseEnd);
      if (session.reachable && !session.alive) return this.lose('expired', null);
      if (session.reachable) {
        this.renew();
        if (lease) this.say({ type: 'lease.renewed', lease: this.lease as LeaseInfo });
      }
      this.tick(session);
    }, T / 12);
  }

  /** Renews the lease if the server is reachable; returns the current one. */
  renew(): LeaseInfo | null {
    const { session } = this;
    if (session?.alive && session.reachable) {
      const now = this.world.clock.now();
      session.lastTouch = now;
      this.lease = { provenAt: now, leaseEnd: now + T - 100, stopAt: now + T - 100 - GRACE - 500 };
    }
    return this.lease;
  }

  lose(cause: 'leaseEnding' | 'expired', leaseEnd: number | null): void {
    this.over = true;
    this.say({ type: 'session.lost', loss: { cause, message: cause, leaseEnd } });
  }

  /** The connection is cut, and healed some time later, perhaps too late. */
  cut(): void {
    const { session } = this;
    if (!session?.reachable) return;
    session.reachable = false;
    this.later(() => {
      if (session === this.session && !this.over) {
        this.say({ type: 'session.suspended', reason: 'cut' });
      }
    });
    this.world.clock.setTimeout(
      () => {
        session.reachable = true;
        if (session !== this.session || this.over) return;
        const { lease } = this;
        const due = lease !== null && this.world.clock.now() >= lease.stopAt;
        if (due || !session.alive) return;
        this.renew();
        this.say({ type: 'lease.renewed', lease: this.lease as LeaseInfo });
        this.say({
          type: 'session.resumed',
          session: { server: 'a:1', timeoutMs: T },
        });
      },
      this.world.random.fraction() ** 2 * 2 * T,
    );
  }

  say(event: ZookeeperEvent): void {
    this.world.transitions += 1;
    this.emit(event);
  }

  later(run: () => void): void {
    this.world.clock.setTimeout(run, this.world.random.fraction() * 50);
  }
}

class SimulatedCommand {
  emit: (event: CommandEvent) => void = () => {};
  armed = false;
  alive = false;
  stubborn = false;
  /** Its first process has ended, which was reported. */
  isLeftover = false;
  means: StopReport['means'] = 'none';
  killAt = Number.POSITIVE_INFINITY;
  generation = 0;

  constructor(
    readonly world: World,
    readonly player: Player,
  ) {}

  obey(command: CommandCommand): void {
    const { clock } = this.world;
    switch (command.type) {
      case 'command.park':
        this.armed = false;
        return;
      case 'command.arm':
        // At once where the guard knows the lease already.
        return this.world.chance(0.5) ? this.arm() : this.later(() => this.arm());
      case 'command.start': {
        if (!this.armed) this.world.violations.push(`${this.player.name} started unguarded`);
        this.generation += 1;
        this.alive = true;
        this.isLeftover = false;
        this.means = 'exited';
        this.stubborn = this.world.chance(0.2);
        this.killAt = Number.POSITIVE_INFINITY;
        this.world.began(this.player);
        const { generation } = this;
        this.later(() => {
          if (generation !== this.generation) return;
          this.say({ type: 'command.started', pid: 1 });
        });
        clock.setTimeout(
          () => {
            if (generation === this.generation && this.alive) this.end(0);
          },
          this.world.random.fraction() * 3 * T,
        );
        // Its guard may have an older lease, and fire earlier.
        if (this.world.chance(0.05)) {
          const firesIn = this.world.random.fraction() * T;
          clock.setTimeout(() => {
            if (generation === this.generation) this.end(9, true);
          }, firesIn);
        }
        return;
      }
      case 'command.stop':
        return this.stop(command.graceMs, command.deadline);
      case 'command.extend':
      case 'command.signal':
        return;
    }
  }

  arm(): void {
    this.armed = true;
    this.say({ type: 'command.armed', guarded: true, scope: 'all' });
  }

  stop(graceMs: number, deadline: number | null): void {
    const { clock } = this.world;
    if (!this.alive) return this.later(() => this.stopped());
    if (!this.stubborn) this.later(() => this.end(15));
    const killAt = Math.min(clock.now() + graceMs, (deadline ?? Number.POSITIVE_INFINITY) - 200);
    if (killAt >= this.killAt) return;
    this.killAt = killAt;
    clock.setTimeout(() => this.end(9), killAt - clock.now());
  }

  end(signal: number, byGuard = false): void {
    if (!this.alive) return;
    if (signal === 15) this.means = 'SIGTERM';
    if (signal === 9) this.means = 'SIGKILL';
    if (this.isLeftover) return this.endLeftover();
    if (signal === 0 && this.world.chance(0.3)) return this.leave();
    this.alive = false;
    this.world.ended(this.player);
    const exit =
      signal === 0
        ? { code: 0, signal: null }
        : { code: null, signal: { name: `SIG${signal}`, number: signal } };
    this.later(() => {
      this.say({ type: 'command.exited', exit, byGuard });
      this.later(() => this.stopped());
    });
  }

  /** Its first process ends; another one keeps running for a while, unless it is stopped. */
  leave(): void {
    this.isLeftover = true;
    const { generation } = this;
    this.later(() => {
      const exit = { code: 0, signal: null };
      this.say({ type: 'command.exited', exit, byGuard: false });
      this.world.clock.setTimeout(() => {
        if (generation === this.generation && this.alive) this.end(0);
      }, this.world.random.fraction() * T);
    });
  }

  endLeftover(): void {
    this.alive = false;
    this.world.ended(this.player);
    this.later(() => this.stopped());
  }

  stopped(): void {
    if (this.alive) return;
    const { means } = this;
    this.means = 'none';
    const stragglers = this.isLeftover && means !== 'exited' ? ['agent[1]'] : [];
    this.isLeftover = false;
    this.say({ type: 'command.stopped', exit: null, how: { means, stragglers } });
  }

  say(event: CommandEvent): void {
    this.world.transitions += 1;
    this.emit(event);
  }

  later(run: () => void): void {
    this.world.clock.setTimeout(run, this.world.random.fraction() * 20);
  }
}

/** One lockex: started again, as a supervisor would, whenever it has ended. */
class Player {
  readonly zookeeper: SimulatedZookeeper;
  readonly command: SimulatedCommand;
  signal: (event: SignalEvent) => void = () => {};
  state = '';
  done = false;

  constructor(
    readonly world: World,
    readonly name: string,
    input: LockexInput,
  ) {
    this.zookeeper = new SimulatedZookeeper(world, this);
    this.command = new SimulatedCommand(world, this);
    const { zookeeper, command } = this;
    const actor = createActor(
      lockexMachine.provide({
        actors: {
          zookeeper: fromCallback<ZookeeperCommand, undefined, ZookeeperEvent>(
            ({ receive, sendBack }) => {
              zookeeper.emit = sendBack;
              receive((order) => zookeeper.obey(order));
            },
          ),
          command: fromCallback<CommandCommand, undefined, CommandEvent>(
            ({ receive, sendBack }) => {
              command.emit = sendBack;
              receive((order) => command.obey(order));
            },
          ),
          signals: fromCallback<EventObject, undefined, SignalEvent>(({ sendBack }) => {
            this.signal = sendBack;
          }),
        },
      }),
      { input, clock: world.clock },
    );
    actor.subscribe({
      next: ({ value, status }) => {
        this.state = stateName(value);
        world.visited.add(this.state);
        if (status === 'done') this.done = true;
      },
      error: (error) => world.violations.push(`${name} failed: ${error}`),
    });
    actor.start();
  }
}

export class World {
  readonly clock = new SimulatedClock(0);
  readonly server = new Server(this);
  readonly random: Random;
  readonly visited = new Set<string>();
  readonly players: Player[] = [];
  /** Who runs a command now. */
  readonly running = new Set<Player>();
  /** Violations of the guarantee. */
  readonly violations: string[] = [];
  transitions = 0;
  commands = 0;
  lives = 0;

  constructor(seed: number, contenders: number) {
    this.random = randomOf(seed, 'world');
    for (let index = 0; index < contenders; index += 1) this.enter();
    this.nemesis();
  }

  chance(probability: number): boolean {
    return this.random.fraction() < probability;
  }

  enter(): void {
    this.lives += 1;
    const player = new Player(this, `p${this.lives}`, {
      connectTries: 1 + this.random.below(2),
      lockTries: 1 + this.random.below(2),
      waitMs: this.chance(0.3) ? this.random.below(2 * T) : null,
      onLost: this.chance(0.5) ? 'rejoin' : 'exit',
      killAfterMs: GRACE,
      conflictExitCode: 1,
      skipExitCode: 0,
      oncePerMs: this.chance(0.3) ? 1000 : null,
      leftovers: this.chance(0.3) ? 'await' : 'stop',
      maxRuntimeMs: this.chance(0.3) ? this.random.below(3 * T) : null,
      holdMs: this.chance(0.3) ? this.random.below(3 * T) : null,
    });
    this.players.push(player);
  }

  /** Cuts connections and sends signals, indefinitely. */
  nemesis(): void {
    this.clock.setTimeout(() => {
      for (const player of this.players.filter(({ done }) => done)) {
        this.players.splice(this.players.indexOf(player), 1);
        this.enter();
      }
      const victim = this.players[this.random.below(this.players.length)];
      if (this.chance(0.8)) victim?.zookeeper.cut();
      else victim?.signal(this.chance(0.5) ? signals.TERM : signals.INT);
      this.nemesis();
    }, this.random.fraction() * T);
  }

  began(player: Player): void {
    this.commands += 1;
    this.running.add(player);
    if (this.running.size > 1) {
      const who = [...this.running].map(({ name, state }) => `${name} in ${state}`);
      this.violations.push(`two commands at once at ${this.clock.now()}: ${who.join(', ')}`);
    }
  }

  ended(player: Player): void {
    this.running.delete(player);
  }

  releasedBy(player: Player, session: SimulatedSession): void {
    if (player.command.alive) {
      this.violations.push(`${player.name} released the lock while its command was running`);
    }
    session.alive = false;
    this.server.leave(session);
  }
}
