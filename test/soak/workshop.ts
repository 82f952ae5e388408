/**
 * The soak's folder: a copy of the program (a build meanwhile mustn't change what is tried), the
 * worker, the journal, the counter and the logs. All that is started names a file in it.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As in worker.pl: every line of the journal has this length. */
const LINE_BYTES = 256;
const ANYBODY = 0o666;

export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockex-soak-'));

  constructor(projectRoot: string) {
    chmodSync(this.folder, 0o755);
    cpSync(join(projectRoot, 'dist'), this.file('program'), { recursive: true });
    // Beside the copy, as in the project: what Node takes its files for.
    writeFileSync(this.file('package.json'), '{"type":"module"}\n');
    copyFileSync(join(projectRoot, 'test/support/worker.pl'), this.file('worker.pl'));
    this.#create('journal', '');
    this.#create('counter', `${'0'.repeat(15)}\n`);
    mkdirSync(this.file('temporary'));
    chmodSync(this.file('temporary'), 0o777);
  }

  get program(): string {
    return this.file('program/lockex.js');
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  workerCommand(contender: string, start: number, mode: string, workMs: number): string[] {
    const files = [this.file('journal'), this.file('counter')];
    const words = [contender, String(start), mode, String(workMs)];
    return ['/usr/bin/perl', this.file('worker.pl'), ...files, ...words];
  }

  environment(contender: string): NodeJS.ProcessEnv {
    const { ZKHOSTS: _, ...env } = process.env;
    this.#create(`${contender}.trace`, '', 'a');
    return {
      ...env,
      TMPDIR: this.file('temporary'),
      LOCKEX_TRACE: this.file(`${contender}.trace`),
    };
  }

  /** NaN when somebody has left something else in it. */
  counter(): number {
    const text = readFileSync(this.file('counter'), 'latin1');
    return /^\d{15}\n$/.test(text) ? Number(text) : Number.NaN;
  }

  journal(): string {
    return readFileSync(this.file('journal'), 'latin1');
  }

  /** Whose the newest line of the journal is; undefined while there is none. */
  newestDeed(): { readonly contender: string; readonly at: number } | undefined {
    const file = openSync(this.file('journal'), 'r');
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

  /** Temporary files that lockex or its commands have left. */
  leftovers(): string[] {
    return readdirSync(this.file('temporary'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A file that anybody may write to: some contenders are nobody. */
  #create(name: string, text: string, flag = 'w'): void {
    writeFileSync(this.file(name), text, { flag });
    chmodSync(this.file(name), ANYBODY);
  }
}
