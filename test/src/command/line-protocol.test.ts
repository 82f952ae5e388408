import { existsSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { joinLines, lineOf } from '../../../src/command/line-protocol.ts';
import { cleanUp, GRANT, leaseOf, supervise, temporaryDirectory } from './harness.ts';

afterEach(cleanUp);

it.each(['', 'a b', 'tab\t and escape \u001b', '\u0085'])('%j is one line', (text) => {
  expect(joinLines([lineOf(text), lineOf('next')])).toBe(`${text}\nnext\n`);
});

it.each(['a\nb', '\n', 'a\0'])('%j is not one line', (text) => {
  expect(() => lineOf(text)).toThrow(TypeError);
});

it('a newline in the path of a grant opens no gate', async () => {
  const file = `${temporaryDirectory()}/ran`;
  const argv = ['/bin/touch', file] as const;
  const { supervisor, events } = supervise({ command: { kind: 'program', argv } });
  supervisor.send({ type: 'command.park' });
  supervisor.send({ type: 'command.arm', lease: leaseOf(60_000) });
  await events.next('command.armed');
  const grant = { ...GRANT, path: `${GRANT.path}\n99999999999` };
  expect(() => supervisor.send({ type: 'command.start', grant })).toThrow(TypeError);
  supervisor.send({ type: 'command.stop', graceMs: 0, deadline: null });
  expect((await events.next('command.stopped')).exit).toBeNull();
  expect(existsSync(file)).toBe(false);
});
