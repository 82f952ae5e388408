/**
 * The results of `npm run test:servers -- --record`: test/servers/results.json, and the table in
 * docs/servers.md that is generated from it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = fileURLToPath(new URL('../../test/servers/results.json', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/servers.md', import.meta.url));
const BEGIN = '<!-- results: npm run test:servers -- --record -->';
const END = '<!-- end of the results -->';

export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** By version of ZooKeeper, then by test file. */
export type Results = Readonly<Record<string, Readonly<Record<string, SuiteResult>>>>;

/** The part of Vitest's JSON report that is used. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    /** Milliseconds since the epoch. */
    readonly startTime: number;
    readonly endTime: number;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export function suitesOf(report: Report): Record<string, SuiteResult> {
  return Object.fromEntries(
    report.testResults.map(({ name, startTime, endTime, status, assertionResults }) => {
      const count = (wanted: string) =>
        assertionResults.filter((result) => result.status === wanted).length;
      const passed = count('passed');
      // A suite that could not be loaded has failed, but has no failed test.
      const failed = status === 'passed' ? 0 : Math.max(1, count('failed'));
      const skipped = assertionResults.length - passed - count('failed');
      const seconds = Math.round((endTime - startTime) / 1000);
      return [relative(ROOT, name), { passed, failed, skipped, seconds }];
    }),
  );
}

/** Replaces the results of these suites on this version, and keeps all others. */
export function recordReport(version: string, reportFile: string) {
  const results = readResults();
  const suites = suitesOf(JSON.parse(readFileSync(reportFile, 'utf8')));
  const merged = { ...results, [version]: { ...results[version], ...suites } };
  writeFileSync(RESULTS, `${JSON.stringify(merged, null, 2)}\n`);
  const page = readFileSync(PAGE, 'utf8');
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${PAGE} has no place for the results`);
  const text = `${page.slice(0, before)}${BEGIN}\n\n${tableOf(merged)}\n\n${page.slice(after)}`;
  writeFileSync(PAGE, text);
}

export function readResults(): Results {
  return JSON.parse(readFileSync(RESULTS, 'utf8'));
}

/** A Markdown table with a row for each suite and a column for each version. */
export function tableOf(results: Results): string {
  const versions = Object.keys(results).toSorted(byVersion);
  const suites = [...new Set(Object.values(results).flatMap((suite) => Object.keys(suite)))];
  const rows = suites
    .toSorted()
    .map((suite) => [
      `\`${suite.replace(/^test\//, '').replace(/\.test\.ts$/, '')}\``,
      ...versions.map((version) => cellOf(results[version]?.[suite])),
    ]);
  const lines = [['suite', ...versions], ['suite', ...versions].map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function cellOf(result: SuiteResult | undefined): string {
  if (result === undefined) return '';
  const { passed, failed, skipped, seconds } = result;
  const counts = [
    `${passed} passed`,
    ...(failed > 0 ? [`**${failed} failed**`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `${counts.join(', ')}, ${seconds} s`;
}

function byVersion(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = left?.findIndex((part, index) => part !== right?.[index]) ?? -1;
  return at < 0 ? 0 : (left?.[at] ?? 0) - (right?.[at] ?? 0);
}
