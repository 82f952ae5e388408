/**
 * Names that a server answers with, checked where they come in: they go on to the command's
 * environment, to the gate and to other requests. Pure.
 */
import { requestError } from './errors.ts';
import { CreateMode } from './session/requests.ts';

/** What no server takes in a path (`PathUtils.validatePath`), as far as it could do harm here. */
const NO_NAME = /[/\p{Cc}]|^\.{0,2}$/u;
/** `%010d` of an int (`PrepRequestProcessor.pRequest2TxnCreate`). */
const SEQUENCE = /^(\d{10}|-\d{9,10})$/;

/** The path of a node that was created as `asked`. @throws RequestError where it is another */
export function createdPath(asked: string, answered: string, mode: CreateMode): string {
  const added = answered.startsWith(asked) ? answered.slice(asked.length) : null;
  const isSequential = mode === CreateMode.EPHEMERAL_SEQUENTIAL;
  const isRight = added !== null && (isSequential ? SEQUENCE.test(added) : added === '');
  if (!isRight) throw requestError('DATA_INCONSISTENCY', 'the name of a created node');
  return asked + added;
}

/** The names of a node's children. @throws RequestError where one is no name of a node */
export function childNames(path: string, answered: readonly string[]): string[] {
  return answered.map((name) => {
    if (!NO_NAME.test(name)) return name;
    throw requestError('DATA_INCONSISTENCY', `a child of ${path}`);
  });
}
