/**
 * Encodes and decodes the data of a contender's node. It is for human readers and for `lockex
 * status`; no decision depends on it. It does not contain the arguments of the command, which can
 * be secrets.
 */
import { blanked } from '../../util/printable.ts';

/** Written as JSON; kazoo's `contenders()` and `lease_holders()` show it unchanged. */
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
/** Maximum length of each text in our data; characters. */
const MAX_FIELD_LENGTH = 300;
/**
 * Larger data was not written by lockex and is not parsed: for nested brackets, JSON.parse needs 70
 * times their size. Our own four texts, escaped, have at most 6 bytes per character.
 */
const MAX_DATA_BYTES = 16 * 1024;
/** Maximum of UTF-8 bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

export function encodeNodeData(data: NodeData): Buffer {
  const cut = (_: string, value: unknown) =>
    typeof value === 'string' ? value.slice(0, MAX_FIELD_LENGTH) : value;
  return Buffer.from(JSON.stringify(data, cut));
}

/** null for data that lockex did not write. */
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

/**
 * One line for messages: `db1 pid 4711 (redis-server)`, or the text of another kind of contender.
 */
export function labelOf(data: Buffer | undefined): string {
  const decoded = decodeNodeData(data);
  const text = decoded
    ? `${decoded.host} pid ${decoded.pid} (${decoded.command})`
    : beginningOf(data);
  return blanked(text).trim().slice(0, MAX_LABEL_LENGTH);
}

/** The text of another kind of contender, limited to the maximum that may be shown. */
export function beginningOf(data: Buffer | undefined): string {
  return data?.toString('utf8', 0, MAX_BYTES_PER_UNIT * MAX_FIELD_LENGTH) ?? '';
}
