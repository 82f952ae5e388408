/**
 * Checks the node names in a server's answers, because they are passed to the command's
 * environment, to the gate and to other requests. Pure.
 */
import { CreateMode } from '../client.ts';
import { requestError } from '../errors.ts';

/** Names that no server accepts in a path (`PathUtils.validatePath`) and that could do harm. */
const INVALID_NAME = /[/\p{Cc}]|^\.{0,2}$/u;
/** `%010d` of an int (`PrepRequestProcessor.pRequest2TxnCreate`). */
const SEQUENCE = /^(\d{10}|-\d{9,10})$/;

/** The path of the created node. @throws RequestError if it does not match the requested one */
export function createdPath(asked: string, answered: string, mode: CreateMode): string {
  const added = answered.startsWith(asked) ? answered.slice(asked.length) : null;
  const isSequential = mode === CreateMode.EPHEMERAL_SEQUENTIAL;
  const isValid = added !== null && (isSequential ? SEQUENCE.test(added) : added === '');
  if (!isValid) throw requestError('DATA_INCONSISTENCY', 'the name of a created node');
  return asked + added;
}

/** The names of a node's children. @throws RequestError if one is not a valid node name */
export function childNames(path: string, answered: readonly string[]): string[] {
  return answered.map((name) => {
    if (!INVALID_NAME.test(name)) return name;
    throw requestError('DATA_INCONSISTENCY', `a child of ${path}`);
  });
}
