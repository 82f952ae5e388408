/**
 * What a contender writes into its node, and how the data of others reads. The data is for people
 * and for `lockex status`: nothing is decided by it. No arguments of the command: they can carry
 * secrets.
 */
import { blanked } from '../printable.ts';

/** Written as JSON; kazoo's `contenders()` and `lease_holders()` show it as it is. */
export interface NodeData {
  readonly host: string;
  readonly pid: number;
  readonly user: string;
  /** Name of the command, without its folder and its arguments. */
  readonly command: string;
  /** Version of lockex. */
  readonly version: string;
}

const LONGEST_LABEL = 120;

export function encodeNodeData(data: NodeData): Buffer {
  return Buffer.from(JSON.stringify(data));
}

/** The data as ours; null when another kind of contender wrote it, or garbage. */
export function decodeNodeData(data: Buffer | undefined): NodeData | null {
  try {
    const value: unknown = JSON.parse(data?.toString('utf8') ?? '');
    return isNodeData(value) ? value : null;
  } catch {
    return null;
  }
}

function isNodeData(value: unknown): value is NodeData {
  if (typeof value !== 'object' || value === null) return false;
  const { host, pid, user, command, version } = value as Record<string, unknown>;
  return (
    [host, user, command, version].every((field) => typeof field === 'string') &&
    typeof pid === 'number'
  );
}

/** One line for people: `db1 pid 4711 (redis-server)`, or another contender's own words. */
export function labelOf(data: Buffer | undefined): string {
  const ours = decodeNodeData(data);
  const text = ours ? `${ours.host} pid ${ours.pid} (${ours.command})` : (data?.toString() ?? '');
  return blanked(text).trim().slice(0, LONGEST_LABEL);
}
