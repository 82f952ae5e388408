import { expect, it } from 'vitest';
import {
  type ProcessFacts,
  processViewOf,
} from '../../../../src/command/processes/process-view.ts';

const OURS: ProcessFacts = {
  platform: 'linux',
  pid: 42,
  self: '42',
  namespacePids: [42],
  hasUptime: true,
  hasProcesses: true,
  shortage: null,
};

it.each([
  ['our own', OURS],
  ['our own, of a kernel without NSpid', { ...OURS, namespacePids: null }],
])('%s is usable', (_, facts) => expect(processViewOf(facts).kind).toBe('usable'));

it.each([
  ['of an outer namespace', { ...OURS, self: '9042', namespacePids: [9042, 42] }, 'another pid'],
  ['where our pid happens to be the same', { ...OURS, namespacePids: [42, 42] }, 'another pid'],
  ['without us in it', { ...OURS, self: null, namespacePids: null }, 'does not list this process'],
  ['without NSpid', { ...OURS, self: '9042', namespacePids: null }, 'this process is 9042 there'],
  ['without processes', { ...OURS, self: null, hasProcesses: false }, 'not mounted'],
  ['without a clock', { ...OURS, hasUptime: false }, '/proc/uptime'],
  ['without descriptors', { ...OURS, hasUptime: false, shortage: 'EMFILE' }, 'EMFILE'],
] as const)('one %s is not', (_, facts, reason) => {
  expect(processViewOf(facts)).toEqual({
    kind: 'unusable',
    message: expect.stringContaining(reason),
  });
});

it('is needed on Linux only: elsewhere lockex uses process groups', () => {
  const facts = { ...OURS, platform: 'darwin', self: null, hasProcesses: false, hasUptime: false };
  expect(processViewOf(facts)).toEqual({ kind: 'groupsOnly' });
});
