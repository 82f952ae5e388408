/**
 * Known faults, as replacements of exact texts of the program: each has to be found by the
 * simulation. They exist only here; `npm run simulate -- --mutation NAME` applies one while the
 * sources are bundled, and fails if the text is missing.
 */

export interface Mutation {
  /** From the root of the project. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  xidsPerConnection: {
    file: 'src/zookeeper/session/session.ts',
    text: 'numbers: this.#identity.numbers,',
    replacement: 'numbers: (this.#identity.numbers.constructor as any).ofOwner(),',
  },
  unconfirmedHandshake: {
    file: 'src/zookeeper/lease/lease.ts',
    text: "    case 'attached':\n      return {\n        provenAt: lease.provenAt,",
    replacement: "    case 'attached':\n      return {\n        provenAt: fact.handshakeSentAt,",
  },
  oneConfirmation: {
    file: 'src/zookeeper/lease/lease.ts',
    text: '  if (j === undefined) return null;',
    replacement: '  if (true as boolean) return k;\n  if (j === undefined) return null;',
  },
  noSpacing: {
    file: 'src/zookeeper/lease/lease.ts',
    text: '  const interval = timeoutMs / 3;',
    replacement: '  const interval = 0 * timeoutMs;',
  },
  leaseFromAnswer: {
    file: 'src/zookeeper/session/session.ts',
    text: '    const { sentAt: handshakeSentAt, timeoutMs } = handshake;',
    replacement: `    const { timeoutMs } = handshake;
    const handshakeSentAt = this.#options.clock.now();`,
  },
  renewalByReads: {
    file: 'src/zookeeper/session/requester.ts',
    text: "const answer = await this.#transact([{ type: 'check', path }]);",
    replacement:
      "const read = requestOf('EXISTS', 'ExistsRequest', { path, watch: false });\n" +
      '    const answer = await this.ask(read, path);',
  },
  ignoreSmallestTimeout: {
    file: 'src/zookeeper/lease/lease.ts',
    text: 'smallestTimeoutMs: Math.min(lease.smallestTimeoutMs, fact.timeoutMs),',
    replacement: 'smallestTimeoutMs: Math.max(lease.smallestTimeoutMs, fact.timeoutMs),',
  },
  releaseBeforeLastExit: {
    file: 'test/simulation/contender/command-host.ts',
    text: '    if (execution.leftovers === 0) return;\n',
    replacement:
      '    if (execution.leftovers === 0) return;\n' +
      "    this.#later(() => this.#emit(stopped('exited', [])));\n",
  },
  relativeGuardDeadline: {
    file: 'test/simulation/contender/simulated-guard.ts',
    text: `send(deadline: number): void {
    this.process.post(this.#pipeMs(), () => {
      if (this.#hasFired) return;
      this.#deadline = deadline;`,
    replacement: `send(deadline: number): void {
    const leftMs = deadline - this.#clock.now();
    this.process.post(this.#pipeMs(), () => {
      if (this.#hasFired) return;
      this.#deadline = this.#clock.now() + leftMs;`,
  },
};
