/** The compiled code that a runtime loads. */
import { writeFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { codeCacheName, mayHaveV8Flags } from '../../../src/platform/code-cache.ts';
import { temporaryDirectory } from '../../e2e/program.ts';

afterEach(() => vi.restoreAllMocks());
afterEach(() => vi.unstubAllEnvs());

function on(properties: Partial<NodeJS.Process>): string {
  vi.stubGlobal('process', { ...basics(), ...properties });
  try {
    return codeCacheName('lockex');
  } finally {
    vi.unstubAllGlobals();
  }
}

function basics() {
  const { version, versions, platform, arch, execPath } = process;
  return { version, versions, platform, arch, execPath };
}

it('is named after the whole runtime that produced it', () => {
  const here = codeCacheName('lockex');
  expect(on({})).toBe(here);
  expect(codeCacheName('reaper')).not.toBe(here);
  const otherBuild = `${temporaryDirectory()}/node`;
  writeFileSync(otherBuild, 'another build');
  const others: Partial<NodeJS.Process>[] = [
    { version: 'v20.0.0' },
    // V8 takes these for one version: it does not compare the suffix.
    { versions: { ...process.versions, v8: `${process.versions.v8}1` } },
    { platform: 'freebsd' },
    { arch: 'ppc64' },
    { execPath: otherBuild },
  ];
  expect(new Set([here, ...others.map(on)]).size).toBe(1 + others.length);
});

it('is not loaded if V8 flags may have been given', () => {
  vi.stubEnv('NODE_OPTIONS', undefined);
  const execArgv = vi.spyOn(process, 'execArgv', 'get');
  execArgv.mockReturnValue([]);
  expect(mayHaveV8Flags()).toBe(false);
  execArgv.mockReturnValue(['--stack-size=900']);
  expect(mayHaveV8Flags()).toBe(true);
  execArgv.mockReturnValue([]);
  vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=100');
  expect(mayHaveV8Flags()).toBe(true);
});
