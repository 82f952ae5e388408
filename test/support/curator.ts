/** Drives a real Curator in a test: see CuratorPartner.java. */
import { fileURLToPath } from 'node:url';
import { curatorClasspath, findZookeeper } from '../../scripts/servers/zookeeper-home.ts';
import { type Program, startProgram } from './processes.ts';

const PARTNER = fileURLToPath(new URL('CuratorPartner.java', import.meta.url));
const MAX_LIFE_MS = 300_000;

/** For use within a test, which ends it. Resolves when its session is established. */
export async function startCurator(hosts: string, path: string): Promise<Curator> {
  const zookeeper = findZookeeper();
  const curator = curatorClasspath();
  if (zookeeper === undefined || curator === undefined) {
    throw new Error('this test needs Curator: run npm test, which installs what is missing');
  }
  const classpath = `${curator}:${zookeeper.classpath}`;
  const args = ['-XX:TieredStopAtLevel=1', '-cp', classpath, PARTNER, hosts, path];
  const program = startProgram(zookeeper.java, args, { maxLifeMs: MAX_LIFE_MS });
  await program.line(/^ready$/);
  return new Curator(program);
}

export class Curator {
  readonly #program: Program;
  #requests = 0;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Waits for at most one second. */
  async tryAcquire(): Promise<boolean> {
    return (await this.#ask('try')) === 'held';
  }

  async acquire(): Promise<void> {
    await this.#ask('acquire');
  }

  async release(): Promise<void> {
    await this.#ask('release');
  }

  async #ask(line: string): Promise<string> {
    this.#requests += 1;
    const number = this.#requests;
    this.#program.stdin.write(`${line}\n`);
    const answer = await this.#program.line(new RegExp(`^${number} `));
    return answer.slice(`${number} `.length);
  }
}
