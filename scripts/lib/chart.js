/**
 * The machine as a Mermaid chart, read off the machine itself. Pure: a machine in, text out.
 *
 * What a state ignores is left out, and so are transitions that only take note of something.
 */

/**
 * @typedef {{
 *   id: string, key: string, type: string, description?: string,
 *   initial?: { target: ReadonlyArray<ChartNode> },
 *   states: Record<string, ChartNode>,
 *   transitions: Map<string, ReadonlyArray<{
 *     target?: ReadonlyArray<ChartNode>, guard?: unknown, eventType: string,
 *   }>>,
 * }} ChartNode
 */

/**
 * @param {ChartNode} root the machine's root node (`machine.root`)
 * @returns {string} a Mermaid `stateDiagram-v2`
 */
export function mermaidOf(root) {
  const lines = ['stateDiagram-v2', ...statesOf(root, '  '), ...transitionsOf(root)];
  return `${lines.join('\n')}\n`;
}

/** @param {ChartNode} node @param {string} indent @returns {string[]} */
function statesOf(node, indent) {
  const lines = [];
  const initial = node.initial?.target[0];
  if (initial) lines.push(`${indent}[*] --> ${nameOf(initial)}`);
  for (const child of Object.values(node.states)) {
    if (child.type === 'final') {
      lines.push(`${indent}${nameOf(child)} --> [*]`);
    } else if (Object.keys(child.states).length > 0) {
      lines.push(`${indent}state "${child.key}" as ${nameOf(child)} {`);
      lines.push(...statesOf(child, `${indent}  `), `${indent}}`);
    } else {
      lines.push(`${indent}state "${child.key}" as ${nameOf(child)}`);
    }
  }
  return lines;
}

/** One arrow for each pair of states, with every event that leads along it. @param {ChartNode} root */
function transitionsOf(root) {
  /** @type {Map<string, string[]>} */
  const arrows = new Map();
  for (const node of descendants(root)) {
    for (const transition of [...node.transitions.values()].flat()) {
      const target = transition.target?.[0];
      if (!target) continue;
      const arrow = `  ${nameOf(node)} --> ${nameOf(target)}`;
      const guard = typeof transition.guard === 'string' ? ` [${transition.guard}]` : '';
      arrows.set(arrow, [...(arrows.get(arrow) ?? []), transition.eventType + guard]);
    }
  }
  return [...arrows].map(([arrow, events]) => `${arrow}: ${[...new Set(events)].join('<br/>')}`);
}

/** @param {ChartNode} node @returns {ChartNode[]} */
function descendants(node) {
  return Object.values(node.states).flatMap((child) => [child, ...descendants(child)]);
}

/** `lockex.cleanup.stopping` → `cleanup_stopping` @param {ChartNode} node */
function nameOf(node) {
  return node.id.split('.').slice(1).join('_');
}

/**
 * The page docs/machine.md.
 *
 * @param {ChartNode} root the machine's root node
 * @returns {string}
 */
export function chartPage(root) {
  const described = descendants(root)
    .filter(({ description }) => description)
    .map((node) => `| \`${nameOf(node).replaceAll('_', '.')}\` | ${node.description} |`);
  return `# The machine

Generated from \`machines/lockex.ts\` by \`npm run chart\`; a test fails when it is stale. What a state
ignores, and what it only takes note of, is left out.

\`\`\`mermaid
${mermaidOf(root)}\`\`\`

| state | what it means |
| --- | --- |
${described.join('\n')}
`;
}
