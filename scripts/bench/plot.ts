/** Medians and quartiles as bars: an SVG without scripts, for docs/performance.md. Pure. */
import { quantile, type Section } from './report.ts';

const WIDTH = 720;
const LABEL = 190;
const BAR = 18;
const GAP = 8;
const TITLE = 34;
const SCALE = WIDTH - LABEL - 90;

/** @param sections each has its own scale */
export function plot(sections: readonly Section[]) {
  let y = 0;
  const parts = sections.map((section) => {
    const top = y;
    y += TITLE + section.rows.length * (BAR + GAP) + GAP;
    return chart(section, top);
  });
  const style =
    'text{font:13px sans-serif;fill:#24292f}.title{font-weight:bold}.bar{fill:#4c78a8}' +
    '.spread{stroke:#24292f;stroke-width:2}';
  const size = `viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>
<title>Medians, with their quartiles, of start and handover</title>
<style>${style}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
}

function chart({ title, unit, rows }: Section, top: number) {
  const longest = Math.max(...rows.map(({ values }) => quantile(values, 0.75)));
  const across = (value: number) => Math.round((value / longest) * SCALE);
  const bars = rows.map(({ name, values }, index) => {
    const y = top + TITLE + index * (BAR + GAP);
    const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share));
    const middle = y + BAR / 2;
    const end = LABEL + across(high ?? 0);
    const start = LABEL + across(low ?? 0);
    return [
      `<text x="${LABEL - 8}" y="${middle + 5}" text-anchor="end">${escaped(name)}</text>`,
      `<rect class="bar" x="${LABEL}" y="${y}" width="${across(median ?? 0)}" height="${BAR}"/>`,
      `<line class="spread" x1="${start}" x2="${end}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${end + 8}" y="${middle + 5}">${(median ?? 0).toFixed(1)} ${unit}</text>`,
    ].join('\n');
  });
  return [`<text class="title" x="8" y="${top + 22}">${escaped(title)}</text>`, ...bars].join('\n');
}

function escaped(text: string) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
