/** The types of loopback.js, where the behaviour is described. */

export const LOOPBACK: string;
export function freePort(): Promise<number>;
export function freePorts(count: number): Promise<number[]>;
export function fourLetterWord(
  port: number,
  word: string,
  options?: { timeoutMs?: number; host?: string },
): Promise<string>;
