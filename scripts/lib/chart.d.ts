/** The machine's root node, or any of its descendants. */
export function chartPage(root: object): string;
export function mermaidOf(root: object): string;
