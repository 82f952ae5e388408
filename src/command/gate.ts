/**
 * One gate: a shell that waits in a session of its own, and becomes the command when it is opened.
 * Knows nothing of leases and guards: who opens it has made sure of them.
 */
import type { GrantInfo } from '../../machines/contract.ts';
import type { CommandExit } from '../../machines/outcome.ts';
import { type Child, startChild } from './child.ts';
import { type EnvironmentPlan, envArguments } from './environment.ts';
import { gateScript, SLACK_VARIABLE } from './gate-script.ts';
import { asLines, lineCutter } from './lines.ts';
import { readProcess } from './process-table.ts';
import { valueOr } from './reading.ts';
import type { Identity } from './types.ts';

export interface GateOptions {
  readonly shell: readonly string[];
  readonly cwd: string | undefined;
  readonly plan: EnvironmentPlan;
  /** Path of `env`; null where there is none. */
  readonly env: string | null;
  readonly words: readonly string[];
  readonly ignoreHangup: boolean;
  /** cgroup.procs of the folder to enter, or null. */
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
}

type State = 'starting' | 'parked' | 'opening' | 'started' | 'refused' | 'late';

/** In which it is the command, or may be. */
const OPENED: readonly State[] = ['opening', 'started'];

export class Gate {
  readonly #child: Child;
  readonly #events: GateEvents;
  #state: State = 'starting';
  #identity: Identity | null = null;
  #exit: CommandExit | null = null;
  #hasToldEnd = false;
  #isClosed = false;
  #isDoomed = false;

  constructor(options: GateOptions, events: GateEvents) {
    this.#events = events;
    const { cwd, plan, slack } = options;
    const env = slack === null ? plan.gate : { ...plan.gate, [SLACK_VARIABLE]: slack };
    this.#child = startChild(
      { words: wordsOf(options), cwd, env, standardStreams: 'inherit' },
      {
        onText: lineCutter((line) => this.#heard(line)),
        onClosed: () => this.#closed(),
        onExit: (exit) => this.#ended(exit),
        onError: events.onError,
      },
    );
    const { pid } = this.#child;
    if (pid !== null) this.#identity = { pid, start: startOf(pid) };
  }

  /** The gate's process, then the command's; null when it could not be made. */
  get identity(): Identity | null {
    return this.#identity;
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
    return this.#exit !== null || this.#identity === null;
  }

  /**
   * `until`: in centiseconds of /proc/uptime; from then on it does not open any more, because we may
   * have been stopped since we looked at the clock. null: it has no clock to look at.
   */
  open({ fencingToken, path }: GrantInfo, until: number | null): void {
    this.#state = 'opening';
    this.#child.send(asLines([fencingToken, path, until === null ? '' : String(until)]));
  }

  /** At once, whatever it is; it is not to be opened any more. */
  kill(): void {
    this.#isDoomed = true;
    if (!this.hasEnded) this.#child.kill();
  }

  #heard(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'parked' && this.#state === 'starting') {
      this.#state = 'parked';
      const says = (what: keyof ParkedGate) => rest.includes(what);
      this.#events.onParked({
        outside: says('outside'),
        lossy: says('lossy'),
        limit: says('limit'),
        slack: says('slack'),
      });
    } else if (word === 'failed' && this.#state === 'opening') {
      this.#state = 'refused';
      this.#events.onRefused(Number(rest[0]));
    } else if (word === 'late' && this.#state === 'opening') {
      this.#state = 'late';
    }
  }

  /** exec closes the descriptor, and so does the process's end, which may be told some time later. */
  #closed(): void {
    this.#isClosed = true;
    if (this.#state === 'opening') {
      this.#state = 'started';
      this.#events.onStarted();
    }
    // It can't be opened any more.
    if (!this.wasOpened) this.kill();
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
    this.#child.close();
    this.#events.onExit(this.#exit);
  }
}

function wordsOf(options: GateOptions): readonly string[] {
  const { shell, plan, ignoreHangup, entrance, limit } = options;
  const env = options.env === null ? [] : [options.env, ...envArguments(plan)];
  const hup = ignoreHangup ? 'hup' : '';
  const settings = ['gate', entrance ?? '', limit, hup, String(env.length)];
  return [...shell, '-c', gateScript(plan), ...settings, ...env, ...options.words];
}

/** 0, which is older than any process, where it can't be read: then no other process is taken for it. */
function startOf(pid: number): number {
  return valueOr(readProcess(pid), null)?.start ?? 0;
}
