/** The command's processes in made-up process tables. */
import { describe, expect, it } from 'vitest';
import { findDescendants, type Traces } from '../../../../src/command/processes/descendants.ts';
import type { ProcessRecord } from '../../../../src/command/processes/process-table.ts';
import { parseStat } from '../../../../src/util/process-stat.ts';

const FIRST = { pid: 100, start: 1000 };

function processOf(fields: Partial<ProcessRecord> & { pid: number }): ProcessRecord {
  const lone = { name: 'x', state: 'S', parent: 1, group: fields.pid, session: fields.pid };
  return { ...lone, foregroundGroup: -1, start: 1001, threads: 1, ...fields };
}

function descendantsOf(records: readonly ProcessRecord[], traces: Partial<Traces> = {}) {
  const table = new Map(records.map((record) => [record.pid, record]));
  const none = { init: null, recorded: [], members: [], marked: [] };
  const found = findDescendants(table, { first: FIRST, ...none, ...traces });
  return found.map(({ pid }) => pid).sort();
}

const LEADER = processOf({ ...FIRST });

describe('the processes of the command', () => {
  it('are the first process, its descendants, its group and its session', () => {
    const child = processOf({ pid: 101, parent: 100 });
    const grandchild = processOf({ pid: 102, parent: 101 });
    const inGroup = processOf({ pid: 103, group: 100, session: 1 });
    const inSession = processOf({ pid: 104, session: 100 });
    expect(descendantsOf([LEADER, grandchild, child, inGroup, inSession])).toEqual([
      100, 101, 102, 103, 104,
    ]);
  });

  it('do not include unrelated processes, living children of init, and zombies', () => {
    const unrelated = processOf({ pid: 200, parent: 1 });
    const zombie = processOf({ pid: 201, parent: 100, state: 'Z' });
    expect(descendantsOf([LEADER, unrelated, zombie])).toEqual([100]);
  });

  it('include the descendants of a zombie', () => {
    const zombie = processOf({ ...FIRST, state: 'Z' });
    const child = processOf({ pid: 101, parent: 100 });
    expect(descendantsOf([zombie, child])).toEqual([101]);
  });

  it('include its session when the first process is gone', () => {
    expect(descendantsOf([processOf({ pid: 101, session: 100 })])).toEqual([101]);
  });

  it('are none when the pid of the first process was given to another', () => {
    const other = processOf({ pid: 100, start: 5000 });
    const child = processOf({ pid: 101, parent: 100, session: 100, start: 5001 });
    expect(descendantsOf([other, child])).toEqual([]);
  });

  it('include recorded processes, unless their pid was given to another since', () => {
    const daemon = processOf({ pid: 300 });
    expect(descendantsOf([LEADER, daemon], { recorded: [{ pid: 300, start: 1001 }] })).toEqual([
      100, 300,
    ]);
    expect(descendantsOf([LEADER, daemon], { recorded: [{ pid: 300, start: 999 }] })).toEqual([
      100,
    ]);
  });

  it('include the session of a recorded process that has ended', () => {
    const orphan = processOf({ pid: 301, session: 300, group: 300 });
    expect(descendantsOf([LEADER, orphan], { recorded: [{ pid: 300, start: 1001 }] })).toEqual([
      100, 301,
    ]);
  });

  it('include marked processes and their descendants', () => {
    const marked = processOf({ pid: 400 });
    const child = processOf({ pid: 401, parent: 400 });
    expect(descendantsOf([LEADER, marked, child], { marked: [400] })).toEqual([100, 400, 401]);
  });

  it('never include processes older than the command', () => {
    const old = processOf({ pid: 50, session: 100, start: 10 });
    expect(descendantsOf([LEADER, old], { marked: [50] })).toEqual([100]);
  });
});

describe('a line of /proc/PID/stat', () => {
  it('is parsed with spaces and parentheses in the name', () => {
    const rest = 'S 7 8 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 65432 1 1';
    expect(parseStat(`42 (a) S (b c) ${rest}`)).toEqual({
      pid: 42,
      name: 'a) S (b c',
      state: 'S',
      parent: 7,
      group: 8,
      session: 9,
      foregroundGroup: -1,
      threads: 1,
      start: 65432,
    });
  });

  it('is null for any other text', () => {
    expect(parseStat('')).toBeNull();
  });
});
