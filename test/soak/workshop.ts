/**
 * The soak's directory: a copy of the program (a build meanwhile mustn't change what is tried), the
 * worker, journals, counters and logs. All that is started names a file in it.
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

const ANYBODY = 0o666;

export class Workshop {
  readonly directory = mkdtempSync(join(tmpdir(), 'lockex-soak-'));

  constructor(projectRoot: string) {
    chmodSync(this.directory, 0o755);
    cpSync(join(projectRoot, 'dist'), this.file('program'), { recursive: true });
    // Beside the copy, as in the project: what Node takes its files for.
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
    return join(this.directory, name);
  }

  /** A file that any user may write to, as some contenders run as `nobody`; gives its path. */
  create(name: string, text: string, flag = 'w'): string {
    const path = this.file(name);
    writeFileSync(path, text, { flag });
    chmodSync(path, ANYBODY);
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

  /** Temporary files that lockex or its commands have left. */
  leftovers(): string[] {
    return readdirSync(this.file('temporary'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
