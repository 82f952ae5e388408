/** One of the soak's locks: how lockex is asked for it, what its holders note, and its verdict. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import {
  type Access,
  judgeJournal,
  type Kill,
  type LockRules,
  type Verdict,
} from '../support/journal.ts';
import type { Random } from '../support/random.ts';
import type { LockKind } from './options.ts';
import { nowUs } from './time.ts';
import type { Workshop } from './workshop.ts';

/** As in worker.pl: every line of the journal has this length. */
const LINE_BYTES = 256;
/** A contender whose worker has done something within this time holds the lock. */
const RECENT_US = 300_000;
const PERMITS = 2;
const SHARED_CHANCE = 0.65;

const RULES: Readonly<Record<LockKind, LockRules>> = {
  lock: { kind: 'exclusive' },
  semaphore: { kind: 'semaphore', permits: PERMITS },
  shared: { kind: 'shared' },
};
const LOCKEX_OPTIONS: Readonly<Record<Access, readonly string[]>> = {
  exclusive: [],
  shared: ['--shared'],
  permit: ['-c', String(PERMITS)],
};

export class SoakLock {
  readonly kind: LockKind;
  readonly #journal: string;
  readonly #counter: string;

  constructor(kind: LockKind, workshop: Workshop) {
    this.kind = kind;
    this.#journal = workshop.create(`${kind}.journal`, '');
    this.#counter = workshop.create(`${kind}.counter`, `${'0'.repeat(15)}\n`);
  }

  /** What a contender asks for this time. */
  accessBy(random: Random): Access {
    switch (this.kind) {
      case 'lock':
        return 'exclusive';
      case 'semaphore':
        return 'permit';
      case 'shared':
        return random.chance(SHARED_CHANCE) ? 'shared' : 'exclusive';
    }
  }

  lockexOptions(access: Access): readonly string[] {
    return ['-i', `soak-${this.kind}`, ...LOCKEX_OPTIONS[access]];
  }

  /** The first two arguments of worker.pl. */
  get workerFiles(): readonly string[] {
    return [this.#journal, this.#counter];
  }

  /** Name of a contender that seems to hold the lock now; of several, the one heard of last. */
  holder(): string | undefined {
    const deed = this.#newestDeed();
    return deed && nowUs() - deed.at < RECENT_US ? deed.contender : undefined;
  }

  /** Microseconds of CLOCK_MONOTONIC; 0 while it was never held. */
  get newestDeedAt(): number {
    return this.#newestDeed()?.at ?? 0;
  }

  verdict(kills: readonly Kill[]): Verdict {
    const journal = readFileSync(this.#journal, 'latin1');
    return judgeJournal(journal, this.#finalCounter(), kills, RULES[this.kind]);
  }

  /** NaN when something else is in the file. */
  #finalCounter(): number {
    const text = readFileSync(this.#counter, 'latin1');
    return /^\d{15}\n$/.test(text) ? Number(text) : Number.NaN;
  }

  /** Undefined while there is none. */
  #newestDeed(): { readonly contender: string; readonly at: number } | undefined {
    const file = openSync(this.#journal, 'r');
    try {
      const { size } = fstatSync(file);
      const line = Buffer.alloc(LINE_BYTES);
      if (readSync(file, line, 0, LINE_BYTES, size - LINE_BYTES) !== LINE_BYTES) return undefined;
      return JSON.parse(line.toString('latin1'));
    } catch {
      // What is not a line is the judge's to find.
      return undefined;
    } finally {
      closeSync(file);
    }
  }
}
