/**
 * The machine as a picture, laid out by elkjs: docs/machine.svg, with every transition. The
 * inspector's page has a simpler picture of its own. Pure.
 *
 * Events that a state ignores are left out, and so are transitions without a target.
 */

import elkjs, { type ElkExtendedEdge, type ElkNode } from 'elkjs';
import { arrowsOf, type ChartNode, descendants, nameOf } from './draw-chart.ts';

/** The class itself: the types of this CommonJS module's default export are wrong. */
const Elk = elkjs as unknown as typeof import('elkjs').default;

/** The senders of the machine's events. */
const ACTORS = ['zookeeper', 'command', 'signals'];

const STATE = { height: 54, perLetter: 13, padding: 36 };
const LABEL = { lineHeight: 22, perLetter: 9.7 };
const MARGIN = 12;
const ACTOR = { width: 190, height: 46, gap: 20 };

const ARROW_HEAD =
  '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" ' +
  'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker>';

const LAYOUT = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.considerModelOrder.strategy': 'PREFER_NODES',
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
  'elk.padding': '[top=12,left=12,bottom=12,right=12]',
};

/**
 * @param root the machine's root node
 * @returns an `svg` element: `id="state-NAME"`, `id="arrow-FROM-TO"`, names with
 * dots; actors as `id="actor-NAME"`
 */
async function svgOf(root: ChartNode): Promise<string> {
  const arrows = arrowsOf(root).map(({ events, ...arrow }) => ({
    ...arrow,
    // Without the guards, which docs/machine.md shows.
    lines: [...new Set(events.map((event) => event.replace(/ \[.*/, '')))],
  }));
  const graph: ElkNode = {
    id: 'root',
    layoutOptions: LAYOUT,
    children: Object.values(root.states).map(shapeOf),
    edges: arrows.map(({ from, to, lines }) => ({
      id: `${from}-${to}`,
      sources: [from],
      targets: [to],
      labels: [
        {
          id: `label ${from}-${to}`,
          text: lines.join('\n'),
          width: Math.max(...lines.map((line) => line.length)) * LABEL.perLetter + 6,
          height: lines.length * LABEL.lineHeight + 2,
        },
      ],
    })),
  };
  const laidOut = await new Elk().layout(graph);
  const described = new Map(descendants(root).map((node) => [nameOf(node), node.description]));
  const width = Math.ceil(laidOut.width ?? 0) + 2 * MARGIN;
  const actorsTop = Math.ceil(laidOut.height ?? 0) + MARGIN;
  const height = actorsTop + ACTOR.height + 2 * MARGIN;
  const parts = [
    ...(laidOut.children ?? []).flatMap((shape) => drawnState(shape, described)),
    ...(laidOut.edges ?? []).map(drawnArrow),
    ...ACTORS.map((name, index) => drawnActor(name, index, actorsTop)),
  ];
  const box = `${-MARGIN} ${-MARGIN} ${width} ${height}`;
  const label = `role="img" aria-label="The machine's states"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" ${label}>
<defs>${ARROW_HEAD}</defs>
${parts.join('\n')}
</svg>`;
}

/** A file, with colours for light and dark mode. */
export async function svgFileOf(root: ChartNode) {
  const style = `<style>
svg { background: #fff; color: #1c2733; font-family: system-ui, sans-serif }
@media (prefers-color-scheme: dark) { svg { background: #12181f; color: #dbe4ee } }
${CHART_STYLE}</style>`;
  return `${(await svgOf(root)).replace('\n<defs>', `\n${style}\n<defs>`)}\n`;
}

/** The style of the picture, in the file and on the page. */
const CHART_STYLE = `marker path { fill: currentColor; fill-opacity: .6 }
.state rect, .actor rect { fill: none; stroke: currentColor; stroke-opacity: .55; rx: 7 }
.state.compound rect { stroke-dasharray: 5 4 }
.state text, .actor text { fill: currentColor; font-size: 23px; font-weight: 600 }
.arrow path { fill: none; stroke: currentColor; stroke-opacity: .4 }
.arrow text { fill: currentColor; fill-opacity: .75; font-size: 18px }
`;

function shapeOf(node: ChartNode): ElkNode {
  const children = Object.values(node.states);
  const name = nameOf(node);
  if (children.length > 0) {
    return {
      id: name,
      labels: [{ text: node.key }],
      layoutOptions: { 'elk.padding': '[top=46,left=18,bottom=18,right=18]' },
      children: children.map(shapeOf),
    };
  }
  const width = node.key.length * STATE.perLetter + STATE.padding;
  return { id: name, labels: [{ text: node.key }], width, height: STATE.height };
}

function drawnState(
  { id, x = 0, y = 0, width = 0, height = 0, labels, children = [] }: ElkNode,
  described: ReadonlyMap<string, string | undefined>,
): string[] {
  const isCompound = children.length > 0;
  const textAt = isCompound
    ? `x="${round(x + 14)}" y="${round(y + 30)}"`
    : `x="${round(x + width / 2)}" y="${round(y + height / 2 + 8)}" text-anchor="middle"`;
  const title = described.get(id);
  return [
    `<g class="state${isCompound ? ' compound' : ''}" id="state-${id}">` +
      (title ? `<title>${escaped(title)}</title>` : '') +
      `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"` +
      ` rx="7"/><text ${textAt}>${labels?.[0]?.text ?? ''}</text></g>`,
    ...children.flatMap((child) => drawnState(child, described)),
  ];
}

function drawnArrow({ id, sections = [], labels = [] }: ElkExtendedEdge) {
  const paths = sections.map(({ startPoint, bendPoints = [], endPoint }) => {
    const points = [startPoint, ...bendPoints, endPoint];
    const line = points.map((point) => `${round(point.x)} ${round(point.y)}`).join('L');
    return `<path d="M${line}" marker-end="url(#head)"/>`;
  });
  const texts = labels.map(({ x = 0, y = 0, text = '' }) => {
    const lines = text.split('\n').map((line, index) => {
      const down = index === 0 ? '' : ` dy="${LABEL.lineHeight}"`;
      return `<tspan x="${round(x + 3)}"${down}>${escaped(line)}</tspan>`;
    });
    return `<text x="${round(x + 3)}" y="${round(y + 18)}">${lines.join('')}</text>`;
  });
  return `<g class="arrow" id="arrow-${id}">${paths.join('')}${texts.join('')}</g>`;
}

function drawnActor(name: string, index: number, top: number) {
  const x = index * (ACTOR.width + ACTOR.gap);
  const middle = `x="${x + ACTOR.width / 2}" y="${top + ACTOR.height / 2 + 8}"`;
  return (
    `<g class="actor" id="actor-${name}">` +
    '<title>an actor, which sends events to the machine</title>' +
    `<rect x="${x}" y="${top}" width="${ACTOR.width}" height="${ACTOR.height}" rx="23"/>` +
    `<text ${middle} text-anchor="middle">${name}</text></g>`
  );
}

function round(value: number) {
  return Math.round(value * 10) / 10;
}

function escaped(text: string) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
