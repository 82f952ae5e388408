/**
 * The machine as a Mermaid chart, generated from the machine itself. Pure.
 *
 * Events that a state ignores are left out, and so are transitions without a target.
 */

export type ChartNode = {
  id: string;
  key: string;
  type: string;
  description?: string | undefined;
  initial: { target: ReadonlyArray<ChartNode> } | undefined;
  states: Record<string, ChartNode>;
  transitions: Map<
    string,
    ReadonlyArray<{
      target: ReadonlyArray<ChartNode> | undefined;
      guard?: unknown;
      eventType: string;
    }>
  >;
};

/**
 * @param root the machine's root node (`machine.root`)
 * @returns a Mermaid `stateDiagram-v2`
 */
function mermaidOf(root: ChartNode): string {
  const lines = ['stateDiagram-v2', ...statesOf(root, '  '), ...transitionsOf(root)];
  return `${lines.join('\n')}\n`;
}

function statesOf(node: ChartNode, indent: string): string[] {
  const lines: string[] = [];
  const initial = node.initial?.target[0];
  if (initial) lines.push(`${indent}[*] --> ${mermaidName(nameOf(initial))}`);
  for (const child of Object.values(node.states)) {
    if (child.type === 'final') {
      lines.push(`${indent}${mermaidName(nameOf(child))} --> [*]`);
    } else if (Object.keys(child.states).length > 0) {
      lines.push(`${indent}state "${child.key}" as ${mermaidName(nameOf(child))} {`);
      lines.push(...statesOf(child, `${indent}  `), `${indent}}`);
    } else {
      lines.push(`${indent}state "${child.key}" as ${mermaidName(nameOf(child))}`);
    }
  }
  return lines;
}

function transitionsOf(root: ChartNode) {
  return arrowsOf(root).map(
    ({ from, to, events }) =>
      `  ${mermaidName(from)} --> ${mermaidName(to)}: ${events.join('<br/>')}`,
  );
}

/** One arrow for each pair of states, with all events that cause the transition. */
export function arrowsOf(root: ChartNode): { from: string; to: string; events: string[] }[] {
  const arrows: Map<string, { from: string; to: string; events: string[] }> = new Map();
  for (const node of descendants(root)) {
    for (const transition of [...node.transitions.values()].flat()) {
      const target = transition.target?.[0];
      if (!target) continue;
      const [from, to] = [nameOf(node), nameOf(target)];
      const guard = typeof transition.guard === 'string' ? ` [${transition.guard}]` : '';
      const event = transition.eventType + guard;
      const arrow = arrows.get(`${from} ${to}`) ?? { from, to, events: [] };
      if (!arrow.events.includes(event)) arrow.events.push(event);
      arrows.set(`${from} ${to}`, arrow);
    }
  }
  return [...arrows.values()];
}

export function descendants(node: ChartNode): ChartNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...descendants(child)]);
}

/** `lockex.cleanup.stopping` → `cleanup.stopping` */
export function nameOf(node: ChartNode) {
  return node.id.split('.').slice(1).join('.');
}

/** Mermaid's identifiers have no dots. */
function mermaidName(name: string) {
  return name.replaceAll('.', '_');
}

/**
 * The page docs/machine.md.
 *
 * @param root the machine's root node
 */
export function chartPage(root: ChartNode): string {
  const described = descendants(root)
    .filter(({ description }) => description)
    .map((node) => `| \`${nameOf(node)}\` | ${node.description} |`);
  return `# The machine

Generated from \`machines/lockex.ts\` by \`npm run chart\`; a test fails when it is stale. What a state
ignores, and what it only takes note of, is left out. [machine.svg](machine.svg) is the same as a picture.

\`\`\`mermaid
${mermaidOf(root)}\`\`\`

| state | what it means |
| --- | --- |
${described.join('\n')}
`;
}
