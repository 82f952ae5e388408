/**
 * Drives a real kazoo client in a test of compatibility: one process with one session, which reads
 * requests line by line.
 */

import { fileURLToPath } from 'node:url';
import { type Program, startProgram } from './processes.ts';

/** The interpreter of Debian's python3-kazoo, which may not be the first in PATH. */
const PYTHON = process.env['KAZOO_PYTHON'] ?? '/usr/bin/python3';
const PARTNER = fileURLToPath(new URL('kazoo_partner.py', import.meta.url));
const MAX_LIFE_MS = 300_000;

export interface AcquireOptions {
  /** Default: true. */
  readonly blocking?: boolean;
  /** Seconds; absent: no limit. */
  readonly timeout?: number;
}

/** An exception of kazoo, with the name of its class: `LockTimeout`, `SessionExpiredError`, … */
export class KazooError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/**
 * For use within a test, which ends it.
 *
 * @param hosts a connect string, with or without a chroot
 * @param timeoutSeconds the session timeout asked for
 * @param auth `user:password`; its nodes are then accessible to this user only
 */
export async function startKazoo(
  hosts: string,
  timeoutSeconds = 10,
  auth: string | null = null,
): Promise<Kazoo> {
  const program = startProgram(PYTHON, [PARTNER], { maxLifeMs: MAX_LIFE_MS });
  const kazoo = new Kazoo(program);
  await kazoo.request('start', { hosts, timeout: timeoutSeconds, auth });
  return kazoo;
}

export class Kazoo {
  readonly program: Program;
  #requests = 0;

  constructor(program: Program) {
    this.program = program;
  }

  async lock(path: string, identifier?: string): Promise<KazooLock> {
    return await this.#lock('Lock', path, identifier);
  }

  async readLock(path: string, identifier?: string): Promise<KazooLock> {
    return await this.#lock('ReadLock', path, identifier);
  }

  async writeLock(path: string, identifier?: string): Promise<KazooLock> {
    return await this.#lock('WriteLock', path, identifier);
  }

  async semaphore(path: string, maxLeases: number, identifier?: string): Promise<KazooSemaphore> {
    const more = { identifier, max_leases: maxLeases };
    return new KazooSemaphore(this, await this.#make('Semaphore', path, more));
  }

  /** Deletes a node, of any client. */
  async delete(path: string): Promise<void> {
    await this.request('delete', { path });
  }

  /** The names of a node's children, sorted. */
  async children(path: string): Promise<string[]> {
    return (await this.request('children', { path })) as string[];
  }

  /** Waits until kazoo has reported this state of its session at least once. */
  async state(state: 'CONNECTED' | 'SUSPENDED' | 'LOST'): Promise<void> {
    await this.program.line(new RegExp(`^{"event": "${state}"}$`));
  }

  /** Closes the session, so that its ephemeral nodes go at once, and ends the process. */
  async close(): Promise<void> {
    this.program.stdin.end();
    await this.program.ended;
  }

  /** Ends the process without closing the session: its nodes stay until the session expires. */
  async kill(): Promise<void> {
    this.program.signal('SIGKILL');
    await this.program.ended;
  }

  /** @throws {KazooError} */
  async request(action: string, parameters: object): Promise<unknown> {
    const id = ++this.#requests;
    this.program.stdin.write(`${JSON.stringify({ id, do: action, ...parameters })}\n`);
    const line = await this.program.line(new RegExp(`^{"id": ${id}[,}]`), 'stdout', MAX_LIFE_MS);
    const answer = JSON.parse(line) as { ok?: unknown; error?: string; message?: string };
    if (answer.error !== undefined) throw new KazooError(answer.error, answer.message ?? '');
    return answer.ok;
  }

  async #lock(kind: string, path: string, identifier?: string): Promise<KazooLock> {
    return new KazooLock(this, await this.#make(kind, path, { identifier }));
  }

  async #make(kind: string, path: string, more: object): Promise<string> {
    const name = `${kind}-${this.#requests}`;
    await this.request('make', { name, kind, path, ...more });
    return name;
  }
}

class KazooRecipe {
  protected readonly kazoo: Kazoo;
  protected readonly name: string;

  constructor(kazoo: Kazoo, name: string) {
    this.kazoo = kazoo;
    this.name = name;
  }

  /** False if it is held and blocking is off; a timeout is a KazooError, `LockTimeout`. */
  async acquire(options: AcquireOptions = {}): Promise<boolean> {
    return (await this.kazoo.request('acquire', { name: this.name, ...options })) as boolean;
  }

  /** False when it wasn't held. */
  async release(): Promise<boolean> {
    return (await this.kazoo.request('release', { name: this.name })) === true;
  }

  /** Makes an acquire() that waits give up with `CancelledError`. */
  async cancel(): Promise<void> {
    await this.kazoo.request('cancel', { name: this.name });
  }
}

export class KazooLock extends KazooRecipe {
  /** The identifiers of who holds it and who waits, in order. */
  async contenders(): Promise<string[]> {
    return (await this.kazoo.request('contenders', { name: this.name })) as string[];
  }
}

export class KazooSemaphore extends KazooRecipe {
  /** The identifiers of who has a lease, in no order. */
  async leaseHolders(): Promise<string[]> {
    return (await this.kazoo.request('lease_holders', { name: this.name })) as string[];
  }
}
