/** The types of chart-svg.js, where the behaviour is described. */

export const CHART_STYLE: string;
export function svgOf(root: unknown): Promise<string>;
export function svgFileOf(root: unknown): Promise<string>;
