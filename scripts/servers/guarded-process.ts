/**
 * A long-running process that cannot outlive its parent, even if that is killed by SIGKILL.
 *
 * A small shell starts it, in its own session (so that a terminal's ^C does not reach it), and
 * holds the reading end of a pipe from this process. At its end of file the shell kills the process
 * and removes its directory.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readProcess } from '../../src/command/processes/process-table.ts';

const POLL_MS = 10;
const STOPPED_WITHIN_MS = 10_000;

const SCRIPT = fileURLToPath(new URL('guarded-process.sh', import.meta.url));

/** `cwd` is removed if this process dies without ending its child. */
export async function startGuarded({
  command,
  cwd,
  logFile,
  maxLifeSeconds,
}: {
  command: string[];
  cwd: string;
  logFile: string;
  maxLifeSeconds: number;
}): Promise<GuardedProcess> {
  const log = openSync(logFile, 'a');
  const shell = spawn('/bin/sh', [SCRIPT, cwd, String(maxLifeSeconds), ...command], {
    cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore', 'ignore', log],
  });
  closeSync(log);
  const exited = once(shell, 'exit').then(() => undefined);
  const pid = await firstLine(shell);
  // The caller's process may end while this one runs: the pipe then ends it.
  shell.unref();
  for (const stream of [shell.stdin, shell.stdout]) {
    (stream as Socket).unref();
  }
  return new GuardedProcess(pid, exited);
}

async function firstLine(shell: ChildProcess): Promise<number> {
  const output = shell.stdout;
  if (output === null) throw new Error('the guard has no output');
  for await (const line of createInterface({ input: output })) return Number(line);
  throw new Error('the guard exited before it started the process');
}

/** By proc(5); elsewhere by ps(1), which has no threads. */
function threadStates(pid: number) {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) {
    return [
      spawnSync('ps', ['-o', 'state=', '-p', String(pid)])
        .stdout.toString()
        .trim()
        .charAt(0),
    ];
  }
  // /proc/TID exists for each thread, though /proc does not list it (proc(5)).
  return readdirSync(tasks).map((task) => {
    const thread = readProcess(Number(task));
    return thread.known ? (thread.value?.state ?? 'gone') : 'unknown';
  });
}

export class GuardedProcess {
  readonly pid: number;
  readonly exited: Promise<void>;
  running = true;

  constructor(pid: number, exited: Promise<void>) {
    this.pid = pid;
    this.exited = exited;
    void exited.then(() => {
      this.running = false;
    });
  }

  /** Does nothing after the process has exited: its pid may have been reused. */
  signal(name: NodeJS.Signals) {
    if (!this.running) return;
    try {
      process.kill(this.pid, name);
    } catch (error) {
      // It has exited, and the event follows.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** SIGTERM (also if it is stopped), and SIGKILL if it still runs after `graceMs`. */
  async terminate(graceMs: number) {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.whenExited();
    clearTimeout(timer);
  }

  /**
   * SIGSTOP, and waits until every thread has stopped: until then it may still answer a request.
   */
  async pause() {
    this.signal('SIGSTOP');
    const deadline = performance.now() + STOPPED_WITHIN_MS;
    while (this.running && !threadStates(this.pid).every((state) => state === 'T')) {
      if (performance.now() > deadline) throw new Error(`${this.pid} doesn't stop at SIGSTOP`);
      await sleep(POLL_MS);
    }
  }

  async kill() {
    this.signal('SIGKILL');
    await this.whenExited();
  }

  /**
   * Like `exited`, but keeps this process alive meanwhile, which an unreferenced child does not.
   */
  async whenExited() {
    const keepAlive = setInterval(() => {}, 60_000);
    await this.exited;
    clearInterval(keepAlive);
  }
}
