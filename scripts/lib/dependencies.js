/**
 * `npm ci`, if node_modules is missing or older than package-lock.json. Plain JavaScript: it runs
 * before npm's packages are installed.
 */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ProvisionError } from './main.js';
import { runQuietly, withProgress } from './progress.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @throws {ProvisionError} if npm fails */
export async function ensureDependencies() {
  const installed = timeOf(`${ROOT}node_modules/.package-lock.json`);
  if (installed >= timeOf(`${ROOT}package-lock.json`) && installed > 0) return;
  try {
    await withProgress('installing npm packages', () =>
      runQuietly('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ROOT }),
    );
  } catch (error) {
    throw new ProvisionError(
      `npm ci failed (${firstProblem(error)}); run it to see all of its output`,
    );
  }
}

/**
 * The first line of npm's output with a reason, of several that begin with `npm error`.
 *
 * @param {unknown} error
 */
function firstProblem(error) {
  const text = error instanceof Error ? error.message : `${error}`;
  const [summary = '', ...lines] = text.split('\n');
  const reasons = lines.map(
    (line) => /^npm (?:error|ERR!) (?!code |errno |syscall )(.*\S)/.exec(line)?.[1],
  );
  return reasons.find((reason) => reason !== undefined) ?? summary.replace(/:$/, '');
}

/** @param {string} path */
function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
