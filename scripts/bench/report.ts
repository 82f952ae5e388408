/** Formats the figures as tables and as a page. */
import { cpus, release, totalmem } from 'node:os';

export type Row = { name: string; values: number[] };

export type Section = {
  title: string;
  unit: string;
  note: string;
  rows: Row[];
  isInTurns?: boolean;
};

/** @param share 0.5: the median */
export function quantile(values: number[], share: number) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Markdown, which reads well on a terminal too. */
export function table({ title, unit, note, rows, isInTurns = false }: Section) {
  const first = quantile(rows[0]?.values ?? [], 0.5);
  const cells = rows.map(({ name, values }) => {
    const median = quantile(values, 0.5);
    const spread = `${shown(quantile(values, 0.25))}–${shown(quantile(values, 0.75))}`;
    const over = isInTurns
      ? [shown(quantile(differences(values, rows[0]?.values ?? []), 0.5))]
      : [];
    return [name, shown(median), spread, ...over, (median / first).toFixed(2), `${values.length}`];
  });
  const over = isInTurns ? ['over the first'] : [];
  const head = ['what', `median, ${unit}`, 'quartiles', ...over, 'ratio to the first', 'runs'];
  // A single run has no spread, and different quantities have no ratio.
  if (rows.every(({ values }) => values.length === 1)) {
    const lines = rows.map(({ name, values }) => [name, shown(values[0] ?? Number.NaN)]);
    return titled({ title, note }, [['what', unit], ['---', '---'], ...lines]);
  }
  return titled({ title, note }, [head, head.map(() => '---'), ...cells]);
}

function titled({ title, note }: { title: string; note: string }, rows: string[][]) {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  return `### ${title}\n\n${note}\n\n${lines.join('\n')}`;
}

function differences(values: number[], firsts: number[]) {
  return values.map((value, turn) => value - (firsts[turn] ?? Number.NaN));
}

function shown(value: number) {
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1);
}

/** One line. */
export function machine() {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const cpu = `${cores.length} cores (${cores[0]?.model.trim()})`;
  return `${cpu}, ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

/** The page with its tables replaced; the text around them is written by hand. */
export function filled(
  page: string,
  { machine: host, sections, missing }: { machine: string; sections: Section[]; missing: string[] },
) {
  const day = new Date().toISOString().slice(0, 10);
  const absent = missing.map((what) => `Not measured: ${what}.\n`).join('');
  const parts = new Map([
    ['run', `Measured in one run on ${day}: ${host}.\n\n${absent}`.trimEnd()],
    ...sections.map((section) => [section.title, table(section)] as const),
  ]);
  return page.replace(
    /(<!-- ([^>]+): written by npm run bench -->\n)[\s\S]*?(<!-- end -->)/g,
    (whole, begin, title, end) => {
      const part = parts.get(title);
      return part === undefined ? whole : `${begin}\n${part}\n\n${end}`;
    },
  );
}
