/**
 * Runs a real supervisord, each with its own directory and control socket, like a separate host.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Ended, type Program, run, startProgram } from './processes.ts';

const MAX_LIFE_MS = 300_000;
const TIMEOUT_MS = 60_000;

/** For use within a test, which ends it. `program`: a section of a configuration. */
export async function startSupervisord(directory: string, program: string): Promise<Supervisord> {
  const host = new Supervisord(directory, program);
  await host.start();
  return host;
}

export class Supervisord {
  readonly #directory: string;
  #program: Program | null = null;

  constructor(directory: string, program: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      this.#file('conf'),
      `[supervisord]
nodaemon=true
logfile=${this.#file('log')}
pidfile=${this.#file('pid')}
childlogdir=${directory}
[unix_http_server]
file=${this.#file('socket')}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${this.#file('socket')}
${program}`,
    );
    // It stops its programs.
    onTestFinished(async () => {
      this.#program?.signal('SIGTERM');
      await this.#program?.ended;
    });
  }

  get pid(): number {
    return this.#program?.pid ?? 0;
  }

  async start(): Promise<void> {
    const options = { maxLifeMs: MAX_LIFE_MS };
    this.#program = startProgram('supervisord', ['-n', '-c', this.#file('conf')], options);
    await this.#until(async () => (await this.control('pid')).status === 0);
  }

  async control(...args: readonly string[]): Promise<Ended> {
    return await run('supervisorctl', ['-c', this.#file('conf'), ...args]);
  }

  /** Waits until supervisorctl reports this state: `RUNNING`, `STOPPED`, … */
  async says(state: string): Promise<void> {
    await this.#until(async () => (await this.control('status')).stdout.includes(` ${state} `));
  }

  async kill(): Promise<void> {
    this.#program?.signal('SIGKILL');
    await this.#program?.ended;
  }

  async #until(condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!(await condition())) {
      if (performance.now() > deadline)
        throw new Error(`supervisord: timed out waiting for ${condition}`);
      await pause(50);
    }
  }

  #file(name: string): string {
    return `${this.#directory}/${name}`;
  }
}
