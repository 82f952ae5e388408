/**
 * Replies as text, without what differs between two plays: times, ids, and the beginning of zxids.
 */
import { Code, NO_SESSION, Op } from '../ensemble/wire/codes.ts';
import { JuteInput } from '../ensemble/wire/jute.ts';
import type { Script } from './actor.ts';

const ERROR_NAMES = new Map<number, string>(
  Object.entries(Code).map(([name, code]) => [code, name]),
);

export function nameOfError(code: number): string {
  return ERROR_NAMES.get(code) ?? `error ${code}`;
}

/** @throws RangeError for a body that is not what this type of request is answered with */
export function describeBody(op: number, body: Buffer, script: Script): string {
  const input = new JuteInput(body);
  const text = describe(op, input, script);
  if (input.left > 0) throw new RangeError(`${input.left} bytes too many behind ${text}`);
  return text;
}

function describe(op: number, input: JuteInput, script: Script): string {
  switch (op) {
    case Op.create:
    case Op.sync:
      return input.text();
    case Op.create2:
      return `${input.text()} ${stat(input, script)}`;
    case Op.exists:
    case Op.setData:
    case Op.setAcl:
      return stat(input, script);
    case Op.getData: {
      const data = input.buffer();
      return `${data === null ? 'null' : JSON.stringify(data.toString())} ${stat(input, script)}`;
    }
    case Op.getChildren:
      return children(input);
    case Op.getChildren2:
      return `${children(input)} ${stat(input, script)}`;
    case Op.multi:
      return multi(input, script);
    default:
      return 'ok';
  }
}

function children(input: JuteInput): string {
  const names = input.list(() => input.text());
  return `[${names.sort().join(' ')}]`;
}

function multi(input: JuteInput, script: Script): string {
  const results: string[] = [];
  for (;;) {
    const op = input.int();
    const isDone = input.boolean();
    input.int();
    if (isDone) return `{${results.join(', ')}}`;
    if (op === Op.error) results.push(nameOfError(input.int()));
    else results.push(describe(op, input, script));
  }
}

/** Without the times, which differ. */
function stat(input: JuteInput, script: Script): string {
  const czxid = script.zxid(input.long());
  const mzxid = script.zxid(input.long());
  input.long();
  input.long();
  const [version, cversion, aversion] = [input.int(), input.int(), input.int()];
  const owner = input.sessionId();
  const [length, count] = [input.int(), input.int()];
  const pzxid = script.zxid(input.long());
  const who = owner === NO_SESSION ? '' : ` of ${script.session(owner)}`;
  const zxids = `${czxid}/${mzxid}/${pzxid}`;
  return `<${zxids} v${version}/${cversion}/${aversion} ${length} bytes ${count} children${who}>`;
}
