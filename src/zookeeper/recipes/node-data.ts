/**
 * The data of a contender's node: ours is encoded, that of others is decoded. It is for people and
 * for `lockex status`; nothing is decided by it. It holds no arguments of the command, which can be
 * secrets.
 */
import { blanked } from '../../util/printable.ts';

/** Written as JSON; kazoo's `contenders()` and `lease_holders()` show it as it is. */
export interface NodeData {
  readonly host: string;
  readonly pid: number;
  readonly user: string;
  /** Name of the command, without its directory and its arguments. */
  readonly command: string;
  /** Version of lockex. */
  readonly version: string;
}

const MAX_LABEL_LENGTH = 120;
/** Of each text in our data; characters. */
const MAX_FIELD_LENGTH = 300;
/**
 * Larger data is not ours and is not parsed: JSON.parse needs 70 times the size of nested brackets.
 * Our own four texts, escaped, have at most 6 bytes per character.
 */
const MAX_DATA_BYTES = 16 * 1024;
/** Of UTF-8, for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

export function encodeNodeData(data: NodeData): Buffer {
  const cut = (_: string, value: unknown) =>
    typeof value === 'string' ? value.slice(0, MAX_FIELD_LENGTH) : value;
  return Buffer.from(JSON.stringify(data, cut));
}

/** null for data of another kind of contender, and for garbage. */
export function decodeNodeData(data: Buffer | undefined): NodeData | null {
  if (data === undefined || data.length > MAX_DATA_BYTES) return null;
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
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
    Number.isSafeInteger(pid)
  );
}

/** One line for people: `db1 pid 4711 (redis-server)`, or the text of another kind of contender. */
export function labelOf(data: Buffer | undefined): string {
  const ours = decodeNodeData(data);
  const text = ours ? `${ours.host} pid ${ours.pid} (${ours.command})` : beginningOf(data);
  return blanked(text).trim().slice(0, MAX_LABEL_LENGTH);
}

/** The text of another kind of contender: as much as may be shown, before it is cut further. */
export function beginningOf(data: Buffer | undefined): string {
  return data?.toString('utf8', 0, MAX_BYTES_PER_UNIT * MAX_FIELD_LENGTH) ?? '';
}
