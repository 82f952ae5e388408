/** Runs histories one after the other and reports: the program behind `npm run simulate`. */
import { FAMILY_NAMES } from './scenario/families.ts';
import { type HistoryResult, runHistory } from './scenario/history.ts';

export interface SimulateOptions {
  readonly seed: number;
  /** Of this process's CPU time. */
  readonly minutes: number;
  readonly maxHistories: number;
  /** CPU time of this process so far; milliseconds. */
  readonly cpuMs: () => number;
  readonly print: (line: string) => void;
}

const TRACE_LINES = 60;

/** Exit status: 1 if a rule was broken. Stops at the first history that breaks one. */
export async function simulate(options: SimulateOptions): Promise<number> {
  const { seed, minutes, maxHistories, cpuMs, print } = options;
  const begun = cpuMs();
  const results: HistoryResult[] = [];
  const spentMs = () => cpuMs() - begun;
  print(`seed ${seed}`);
  while (spentMs() < minutes * 60_000 && results.length < maxHistories) {
    const result = await runHistory(seed + results.length);
    results.push({ ...result, trace: [] });
    if (result.violations.length > 0) {
      print(`FAILED: seed ${result.seed}, after ${(spentMs() / 1000).toFixed(1)} s of CPU time`);
      for (const line of (await runHistory(result.seed, TRACE_LINES)).trace) print(`  ${line}`);
      for (const violation of result.violations) print(`violation: ${violation}`);
      print(`${result.kind}; faults: ${result.faults.join(', ')}`);
      print(`replay: npm run simulate -- --seed ${result.seed} --histories 1`);
      break;
    }
  }
  const seconds = spentMs() / 1000;
  report(results, seconds, print);
  return results.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function report(
  results: readonly HistoryResult[],
  seconds: number,
  print: (line: string) => void,
): void {
  const sum = (of: (result: HistoryResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const events = sum((result) => result.events);
  print(`${results.length} histories, ${events} events in ${seconds.toFixed(1)} s of CPU time`);
  print(`${Math.round(events / seconds)} events/s, ${sum(({ grants }) => grants)} grants`);
  const faults = FAMILY_NAMES.map((name) => {
    const count = sum((result) => result.faults.filter((each) => each === name).length);
    return `${name} ${count}`;
  });
  print(`faults: ${faults.join(', ')}`);
  const worst = results.map((result) => result.worst);
  const least = Math.min(...worst.map(({ leastLeftMs }) => leastLeftMs));
  const progress = Math.max(...worst.map(({ progressMs }) => progressMs));
  const writes = Math.max(...worst.map(({ writesInSecond }) => writesInSecond));
  print(`worst cases: ${least.toFixed(0)} ms of a lease left after its command had ended,`);
  print(`  ${progress.toFixed(0)} ms until all contenders had run after the faults,`);
  print(`  ${writes} packets by one contender in a second`);
}
