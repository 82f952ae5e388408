/**
 * The directory of one soak: a copy of the program (so that a build meanwhile does not change it),
 * the worker, journals, counters and logs. All processes of the soak have its path in their
 * arguments.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WRITABLE_BY_ALL = 0o666;

export class SoakDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'lockex-soak-'));

  constructor(projectRoot: string) {
    chmodSync(this.path, 0o755);
    cpSync(join(projectRoot, 'dist'), this.file('program'), { recursive: true });
    // As in the project: makes Node load the copied files as ES modules.
    writeFileSync(this.file('package.json'), '{"type":"module"}\n');
    copyFileSync(join(projectRoot, 'test/support/worker.pl'), this.file('worker.pl'));
    mkdirSync(this.file('temporary'));
    chmodSync(this.file('temporary'), 0o777);
  }

  get program(): string {
    return this.file('program/lockex.js');
  }

  get worker(): string {
    return this.file('worker.pl');
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Creates a file that all users may write to (some contenders run as `nobody`); returns its path.
   */
  create(name: string, text: string, flag = 'w'): string {
    const path = this.file(name);
    writeFileSync(path, text, { flag });
    chmodSync(path, WRITABLE_BY_ALL);
    return path;
  }

  environment(contender: string): NodeJS.ProcessEnv {
    const { ZKHOSTS: _, ...env } = process.env;
    return {
      ...env,
      TMPDIR: this.file('temporary'),
      LOCKEX_TRACE: this.create(`${contender}.trace`, '', 'a'),
    };
  }

  /** Temporary files that lockex or its commands have left behind. */
  leftovers(): string[] {
    return readdirSync(this.file('temporary'));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
