/** The types of provision.js, where the behaviour is described. */

export type PartName =
  | ('zookeeper' | 'kazoo' | 'redis' | 'supervisor' | 'chromium' | 'faketime' | 'systemd')
  | ('openssl' | 'shells' | 'man');

/** Its message is one line, for a person, without a stack. */
export class ProvisionError extends Error {}
export function provision(names: readonly PartName[]): Promise<void>;
export function ensureDependencies(): Promise<void>;
export function ensureBuild(): Promise<void>;
export function ensureStandalone(): Promise<void>;
