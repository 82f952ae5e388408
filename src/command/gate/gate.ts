/**
 * One gate: a shell that waits in a session of its own, and becomes the command when it is opened.
 * Knows nothing of leases and guards: who opens it has made sure of them.
 */
import type { GrantInfo } from '../../../machines/contract.ts';
import type { CommandExit } from '../../../machines/outcome.ts';
import type { Clock } from '../../util/clock.ts';
import { InitGateProcess } from '../init/init.ts';
import type { InitRuntime } from '../init/init-runtime.ts';
import { asLines, lineCutter, lineOf } from '../lines.ts';
import type { Identity } from '../options.ts';
import { type EnvironmentPlan, envArguments } from './environment.ts';
import {
  type Descendants,
  DirectGateProcess,
  type GateProcess,
  type GateProcessEvents,
} from './gate-process.ts';
import { GATE_SCRIPT, gateArguments, SLACK_VARIABLE } from './gate-script.ts';

export interface GateOptions {
  /** What its init runs on; null: it gets none, and is a child of lockex. */
  readonly runtime: InitRuntime | null;
  readonly clock: Clock;
  readonly shell: readonly string[];
  readonly cwd: string | undefined;
  readonly plan: EnvironmentPlan;
  /** Path of `env`; null where there is none. */
  readonly env: string | null;
  readonly words: readonly string[];
  readonly ignoreHangup: boolean;
  /** cgroup.procs of the directory to enter, or null. */
  readonly entrance: string | null;
  /** The marks that it is to carry (marks.ts). */
  readonly limit: string;
  readonly slack: string | null;
}

/** What it reports when it waits. */
export interface ParkedGate {
  /** It could not enter the cgroup. */
  readonly outside: boolean;
  /** Variables with odd names will be missing. */
  readonly lossy: boolean;
  /** Marks that it could set. */
  readonly limit: boolean;
  readonly slack: boolean;
}

export interface GateEvents {
  /** `identity` is known from now on, and `init`; where there is no init they were known at once. */
  readonly onIdentified: () => void;
  /** It waits. */
  readonly onParked: (how: ParkedGate) => void;
  /** It was opened, and is the command now. */
  readonly onStarted: () => void;
  /** It was opened, but the kernel would not execute the command. */
  readonly onRefused: (status: number) => void;
  /** Its process ended, whatever it was by then; after onStarted or onRefused if it was opened. */
  readonly onExit: (exit: CommandExit) => void;
  /** The gate's own process could not be made. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
  /** The init can't do its work on this host. Nothing was started. */
  readonly onUnfit: (reason: string) => void;
  /** No process is left below the init. */
  readonly onEmpty: () => void;
  /** The init ended unexpectedly: what it held together has to be killed. */
  readonly onInitLost: () => void;
}

type State = 'starting' | 'parked' | 'opening' | 'started' | 'refused' | 'late' | 'failed';

/** In which it is the command, or may be. */
const OPENED: readonly State[] = ['opening', 'started'];

export class Gate {
  readonly #process: GateProcess;
  readonly #events: GateEvents;
  #state: State = 'starting';
  #parkedAs: ParkedGate | null = null;
  #exit: CommandExit | null = null;
  #hasToldEnd = false;
  #isClosed = false;
  #isDoomed = false;

  constructor(options: GateOptions, events: GateEvents) {
    this.#events = events;
    const { runtime, clock, cwd, plan, slack } = options;
    const env = slack === null ? plan.gate : { ...plan.gate, [SLACK_VARIABLE]: slack };
    const its = { words: wordsOf(options), cwd, env };
    const processEvents = this.#processEvents();
    this.#process =
      runtime === null
        ? new DirectGateProcess(its, processEvents)
        : new InitGateProcess(runtime, its, clock, processEvents);
  }

  /** Its parent, which adopts every orphan of the command; null: there is none. */
  get init(): Identity | null {
    return this.#process.init;
  }

  /** What is known of the processes below the init, this one included. */
  get descendants(): Descendants {
    return this.#process.descendants;
  }

  /** The gate's process, then the command's; null before it is known, or when it could not be made. */
  get identity(): Identity | null {
    return this.#process.identity;
  }

  get isParked(): boolean {
    return this.#state === 'parked' && !this.#isClosed && !this.hasEnded && !this.#isDoomed;
  }

  /** Opened: from then on whatever dies may be the command. */
  get wasOpened(): boolean {
    return OPENED.includes(this.#state);
  }

  /** Its process has been reaped, and its number may be given away. */
  get hasEnded(): boolean {
    return this.#exit !== null || this.#state === 'failed';
  }

  /**
   * `until`: in centiseconds of /proc/uptime; from then on it does not open any more, because we may
   * have been stopped since we looked at the clock. null: it has no clock to look at.
   */
  open({ fencingToken, path }: GrantInfo, until: number | null): void {
    const lines = [fencingToken, path, until === null ? '' : String(until)];
    const text = asLines(lines.map(lineOf));
    this.#state = 'opening';
    this.#process.send(text);
  }

  /** At once, whatever it is; it is not to be opened any more. */
  kill(): void {
    this.#isDoomed = true;
    if (!this.hasEnded) this.#process.kill();
  }

  /** The init ends everything that the command started. Without one, nothing happens. */
  killAll(): void {
    if (this.init !== null) this.#process.kill();
  }

  /** Everything has ended, or is to end now by the init: it leaves. */
  release(): void {
    this.#process.release();
  }

  #processEvents(): GateProcessEvents {
    return {
      onIdentified: () => {
        this.#events.onIdentified();
        this.#tellParked();
      },
      onText: lineCutter((line) => this.#heard(line)),
      onClosed: () => this.#closed(),
      onExit: (exit) => this.#ended(exit),
      onError: (error) => {
        this.#state = 'failed';
        this.#events.onError(error);
      },
      onUnfit: (reason) => {
        this.#state = 'failed';
        this.#events.onUnfit(reason);
      },
      onInitLost: () => this.#events.onInitLost(),
      onEmpty: () => this.#events.onEmpty(),
    };
  }

  #heard(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'parked' && this.#state === 'starting') {
      const says = (what: keyof ParkedGate) => rest.includes(what);
      this.#parkedAs = {
        outside: says('outside'),
        lossy: says('lossy'),
        limit: says('limit'),
        slack: says('slack'),
      };
      this.#tellParked();
    } else if (word === 'failed' && this.#state === 'opening') {
      this.#state = 'refused';
      this.#events.onRefused(Number(rest[0]));
    } else if (word === 'late' && this.#state === 'opening') {
      this.#state = 'late';
    }
  }

  /** The gate and its init speak through two sockets, and either may be heard first. */
  #tellParked(): void {
    if (this.#parkedAs === null || this.identity === null || this.#state !== 'starting') return;
    this.#state = 'parked';
    this.#events.onParked(this.#parkedAs);
  }

  /** exec closes the descriptor, and so does the process's end, which may be told some time later. */
  #closed(): void {
    this.#isClosed = true;
    if (this.#state === 'opening') {
      this.#state = 'started';
      this.#events.onStarted();
    }
    // It can't be opened any more. Before it is known, its init is ending by itself, and says why.
    if (!this.wasOpened) {
      this.#isDoomed = true;
      if (this.identity !== null) this.kill();
    }
    this.#tellEnd();
  }

  #ended(exit: CommandExit): void {
    this.#exit = exit;
    this.#tellEnd();
  }

  #tellEnd(): void {
    // While it is being opened, what is still in the socket says which it was that ended.
    if (this.#exit === null || this.#state === 'opening' || this.#hasToldEnd) return;
    this.#hasToldEnd = true;
    // One that became the command may have left descendants, which are given time.
    if (this.#state === 'started') this.#process.closeSocket();
    else this.#process.release();
    this.#events.onExit(this.#exit);
  }
}

function wordsOf(options: GateOptions): readonly string[] {
  const { shell, plan } = options;
  const env = options.env === null ? [] : [options.env, ...envArguments(plan)];
  return [
    ...shell,
    '-c',
    GATE_SCRIPT,
    'gate',
    ...gateArguments({ ...options, env }),
    ...options.words,
  ];
}
