/**
 * Programs that tests run, and what the system says of processes. What is started here is killed when
 * its test has finished, or when its time is up.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { readProcess } from '../../src/command/processes/process-table.ts';

export interface ProgramOptions {
  readonly cwd?: string;
  /** The whole environment; this process's when not given. */
  readonly env?: NodeJS.ProcessEnv;
  /** SIGKILL after this long; 60000 when not given. */
  readonly maxLifeMs?: number;
  /** A process group of its own, as a shell with job control gives it. */
  readonly detached?: boolean;
}

export interface Ended {
  /** Null when a signal ended it, as in Node. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Output = 'stdout' | 'stderr';

export class Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #said: Record<Output, string> = { stdout: '', stderr: '' };

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    const { maxLifeMs = 60_000, ...spawnOptions } = options;
    this.#child = spawn(command, args, { ...spawnOptions, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const output of ['stdout', 'stderr'] as const) {
      this.#child[output].setEncoding('utf8').on('data', (text) => {
        this.#said[output] += text;
      });
    }
    // It may end without having read its input; the write that fails is no news then.
    this.#child.stdin.on('error', () => {});
    const timer = setTimeout(() => this.signal('SIGKILL'), maxLifeMs);
    this.ended = this.#end().finally(() => clearTimeout(timer));
    // Who waits for it gets the error; who doesn't isn't to be ended by it.
    this.ended.catch(() => {});
  }

  /** Undefined when it couldn't be started: `ended` rejects then. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdin(): Writable {
    return this.#child.stdin;
  }

  get stdout(): string {
    return this.#said.stdout;
  }

  get stderr(): string {
    return this.#said.stderr;
  }

  /** Does nothing once it has ended. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /**
   * The first whole line that matches, of those said so far or yet to come. Rejects with all that was
   * said when there is none within `timeoutMs`, or none at all.
   */
  async line(pattern: RegExp, output: Output = 'stdout', timeoutMs = 30_000): Promise<string> {
    const signal = AbortSignal.timeout(timeoutMs);
    const stream = this.#child[output];
    for (;;) {
      const found = wholeLines(this.#said[output]).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (stream.closed || signal.aborted) throw new Error(`no line ${pattern}: ${this.#all()}`);
      await eitherOf(stream, ['data', 'close'], signal);
    }
  }

  async #end(): Promise<Ended> {
    const [status, signal] = await once(this.#child, 'close');
    return { status, signal, ...this.#said };
  }

  #all(): string {
    return `stdout:\n${this.#said.stdout}\nstderr:\n${this.#said.stderr}`;
  }
}

/** Waits for one of the events, or for the signal, and leaves no listener behind. */
async function eitherOf(stream: Readable, events: string[], signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const waits = events.map((event) => once(stream, event, { signal: either }));
  await Promise.race(waits).catch(() => {});
  over.abort();
  await Promise.allSettled(waits);
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

/** For use within a test: the program is killed when the test has finished. */
export function startProgram(
  command: string,
  args: readonly string[],
  options?: ProgramOptions,
): Program {
  const program = new Program(command, args, options);
  onTestFinished(() => program.signal('SIGKILL'));
  return program;
}

/** Runs it to its end, with `input` on standard input, or nothing. For use within a test. */
export async function run(
  command: string,
  args: readonly string[],
  { input = '', ...options }: ProgramOptions & { readonly input?: string } = {},
): Promise<Ended> {
  const program = startProgram(command, args, options);
  program.stdin.end(input);
  return await program.ended;
}

/**
 * Whether the process runs; a zombie doesn't. By proc(5), and by ps(1) where there is no /proc.
 */
export async function isAlive(pid: number): Promise<boolean> {
  const state = process.platform === 'linux' ? stateByProc(pid) : await stateByPs(pid);
  return state !== undefined && !['Z', 'X'].includes(state);
}

/** Waits until a SIGSTOP that it was sent has stopped it. Linux only. */
export async function untilStopped(pid: number | undefined): Promise<void> {
  while (pid !== undefined && stateByProc(pid) !== 'T') await sleep(1);
}

/** Waits for it to end, asking every 10 ms: nobody tells us of a process that isn't our child. */
export async function gone(pid: number, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (await isAlive(pid)) {
    if (performance.now() > deadline) throw new Error(`${pid} still runs after ${timeoutMs} ms`);
    await sleep(10);
  }
}

function stateByProc(pid: number): string | undefined {
  const found = readProcess(pid);
  return found.known ? found.value?.state : undefined;
}

async function stateByPs(pid: number): Promise<string | undefined> {
  const ps = new Program('ps', ['-o', 'state=', '-p', String(pid)]);
  const { stdout } = await ps.ended;
  return stdout.trim().charAt(0) || undefined;
}
