/** The types of provision.js, where the behaviour is described. */

export type PartName = 'zookeeper' | 'kazoo' | 'redis' | 'supervisor' | 'chromium';

export interface Part {
  /** Whether it is there. */
  check: () => boolean;
  /** Debian's packages. */
  debian: string[];
  /** What to say to people of other systems. */
  elsewhere: string;
}

export const PARTS: Record<PartName, Part>;
/** Its message is one line, for a person, without a stack. */
export class ProvisionError extends Error {}
export function provision(names: readonly PartName[]): Promise<void>;
export function ensureDependencies(): Promise<void>;
export function ensureBuild(): Promise<void>;
