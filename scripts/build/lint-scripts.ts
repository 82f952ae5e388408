/**
 * Checks the repository's shell scripts by ShellCheck, and the syntax of its Perl and Python
 * scripts. A part of `npm run lint`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runScript } from '../lib/main.js';
import { provision } from '../servers/provision.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const GUARD = 'src/command/guard';
/** One program: ShellCheck has to see all of its parts to know which variables are used. */
const GUARD_PARTS = ['guard-ending.sh', 'guard-scan.sh', 'guard-marks.sh', 'guard.sh'];

type Comment = { line: number; column: number; level: string; code: number; message: string };

await runScript(async () => {
  await provision(['shellcheck']);
  const files = filesOfProject();
  const guard = GUARD_PARTS.map((name) => `${GUARD}/${name}`);
  const shell = files.filter((file) => file.endsWith('.sh') || isShell(file));
  const programs = [guard, ...shell.filter((file) => !guard.includes(file)).map((file) => [file])];
  const problems = [
    ...programs.flatMap(shellProblems),
    ...files.filter((file) => file.endsWith('.pl')).flatMap(perlProblems),
    ...files.filter((file) => file.endsWith('.py')).flatMap(pythonProblems),
  ];
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  const count = files.filter((file) => /\.(pl|py)$/.test(file)).length + shell.length;
  process.stdout.write(`Checked ${count} scripts. ${problems.length} problems.\n`);
  return problems.length === 0 ? 0 : 1;
});

/** @returns tracked files, and new ones that are not ignored */
function filesOfProject(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).split('\0');
  return listed.filter((file) => file !== '' && !deleted.includes(file));
}

function isShell(file: string) {
  return /^#!.*\b(sh|dash|bash)\b/.test(readFileSync(`${ROOT}/${file}`, 'latin1').slice(0, 100));
}

/** @param files that make up one program, in this order */
function shellProblems(files: readonly string[]) {
  const parts = files.map((file) => ({ file, text: readFileSync(`${ROOT}/${file}`, 'utf8') }));
  const input = parts.map(({ text }) => text).join('');
  const options = { encoding: 'utf8' as const, input };
  const { stdout, stderr, status } = spawnSync('shellcheck', ['--format=json1', '-'], options);
  // 1: there are comments (shellcheck(1), "RETURN VALUES").
  if (status !== 0 && status !== 1) throw new Error(`shellcheck failed: ${stderr}`);
  const comments: Comment[] = JSON.parse(stdout).comments;
  return comments.map(({ line, column, level, code, message }) => {
    let rest = line;
    for (const { file, text } of parts) {
      const lineCount = text.split('\n').length - 1;
      if (rest <= lineCount) return `${file}:${rest}:${column}: ${level}: ${message} [SC${code}]`;
      rest -= lineCount;
    }
    return `${files.at(-1)}: ${level}: ${message} [SC${code}]`;
  });
}

function perlProblems(file: string) {
  const { status, stderr } = spawnSync('perl', ['-c', file], { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? [] : [`${file}: ${stderr ?? 'perl is missing'}`];
}

function pythonProblems(file: string) {
  const compile = 'import sys; compile(open(sys.argv[1], "rb").read(), sys.argv[1], "exec")';
  const { status, stderr } = spawnSync('python3', ['-c', compile, file], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return status === 0 ? [] : [`${file}: ${stderr ?? 'python3 is missing'}`];
}
