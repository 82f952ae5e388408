/** Short forms for building the page. External data is inserted as text only, never as markup. */
import { clockTime, utcTime } from '../text.ts';

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function svgElement(tag: string, attributes: Readonly<Record<string, string>> = {}) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Leaves the node alone if nothing changes. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Local time; UTC on hover. */
export function timeElement(at: number): HTMLElement {
  const title = utcTime(at);
  return element('time', { datetime: new Date(at).toISOString(), title }, clockTime(at));
}

export function isNarrow(): boolean {
  return matchMedia('(max-width: 760px)').matches;
}
