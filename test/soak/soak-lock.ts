/** One lock of the soak: lockex's options for it, the journal of its holders, and its verdict. */
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
import type { SoakDirectory } from './soak-directory.ts';
import { nowUs } from './time.ts';

/** Length of each line of the journal, as in worker.pl. */
const LINE_BYTES = 256;
/** A contender with an entry this recent is taken for the holder. */
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

  constructor(kind: LockKind, directory: SoakDirectory) {
    this.kind = kind;
    this.#journal = directory.create(`${kind}.journal`, '');
    this.#counter = directory.create(`${kind}.counter`, `${'0'.repeat(15)}\n`);
  }

  /** The access that a contender asks for this time. */
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

  /** The contender that seems to hold the lock now; of several, the one with the latest entry. */
  holder(): string | undefined {
    const entry = this.#newestEntry();
    return entry && nowUs() - entry.at < RECENT_US ? entry.contender : undefined;
  }

  /** Microseconds of CLOCK_MONOTONIC; 0 if it was never held. */
  get newestEntryAt(): number {
    return this.#newestEntry()?.at ?? 0;
  }

  verdict(kills: readonly Kill[]): Verdict {
    const journal = readFileSync(this.#journal, 'latin1');
    return judgeJournal(journal, this.#finalCounter(), kills, RULES[this.kind]);
  }

  /** NaN if the file is malformed. */
  #finalCounter(): number {
    const text = readFileSync(this.#counter, 'latin1');
    return /^\d{15}\n$/.test(text) ? Number(text) : Number.NaN;
  }

  /** Undefined while there is none. */
  #newestEntry(): { readonly contender: string; readonly at: number } | undefined {
    const file = openSync(this.#journal, 'r');
    try {
      const { size } = fstatSync(file);
      const line = Buffer.alloc(LINE_BYTES);
      if (readSync(file, line, 0, LINE_BYTES, size - LINE_BYTES) !== LINE_BYTES) return undefined;
      return JSON.parse(line.toString('latin1'));
    } catch {
      // The judge reports malformed lines.
      return undefined;
    } finally {
      closeSync(file);
    }
  }
}
