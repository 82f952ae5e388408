/** Runs the built program as a user does, and waits for what it says. Built by `npm run build`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** One switch chooses what is tested. */
export const PROGRAM =
  process.env['LOCKEX_PROGRAM'] ?? fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));

/** How long a test waits for one thing that has to happen; generous: hosts can be slow. */
const PATIENCE_MS = 30_000;

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly state?: string;
  readonly [field: string]: unknown;
}

export class Program {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #watchers = new Set<() => void>();

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(PROGRAM, argv, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...env },
    });
    this.process.stdin?.on('error', () => {});
    this.process.stdout?.on('data', (bytes) => this.#add('stdout', bytes));
    this.process.stderr?.on('data', (bytes) => this.#add('stderr', bytes));
    this.ended = once(this.process, 'close').then(([status, signal]) => {
      const { stdout, stderr } = this;
      for (const watcher of this.#watchers) watcher();
      return { status, signal, stdout, stderr };
    });
    onTestFinished(async () => {
      if (this.process.exitCode === null && this.process.signalCode === null) {
        this.process.kill('SIGKILL');
      }
      await this.ended;
    });
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** The lines of its log, where it was run with `--log-format json`. */
  get log(): LogLine[] {
    return this.stderr.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
  }

  /** Until its output satisfies the condition; fails when it ends, or patience does, before that. */
  async until<T>(what: string, look: () => T | undefined | false | null): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const settle = (settled: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        settled();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${why}: ${what}\n${this.stdout}\n${this.stderr}`)));
      const check = () => {
        const found = look();
        if (found !== undefined && found !== false && found !== null) {
          settle(() => resolve(found));
        } else if (this.process.exitCode !== null) fail('ended before');
      };
      const timer = setTimeout(() => fail('not in time'), PATIENCE_MS);
      this.#watchers.add(check);
      check();
    });
  }

  untilPrinted(text: string): Promise<true> {
    return this.until(`stdout has ${text}`, () => this.stdout.includes(text) || undefined);
  }

  /** Until the log says that the machine is in this state; it has to be in JSON. */
  untilState(state: string): Promise<LogLine> {
    return this.until(`state ${state}`, () => this.log.find((line) => line.state === state));
  }

  #add(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    this[stream] += bytes.toString();
    for (const watcher of this.#watchers) watcher();
  }
}

export function start(argv: readonly string[], env?: NodeJS.ProcessEnv): Program {
  return new Program(argv, env);
}

export async function run(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
  const program = new Program(argv, env);
  program.process.stdin?.end();
  return await program.ended;
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const { ZKHOSTS: _, LOCKEX_TRACE: __, ...env } = process.env;
  return env;
}
