/** Trusted files: real files with real owners, modes and links. Changing owners needs root. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readTrusted, readTrustedIfThere } from '../../../src/util/trusted-file.ts';

const STRANGER = 12_345;
const US = 23_456;
const PUBLIC = { maxBytes: 1000, readers: 'public' } as const;
const PRIVATE = { maxBytes: 1000, readers: 'private' } as const;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

function make(name: string, { mode = 0o644, uid = 0, gid = 0, text = 'text' } = {}): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  chownSync(file, uid, gid);
  chmodSync(file, mode);
  return file;
}

function makeCgroup(name: string, { mode = 0o755, uid = 0, gid = 0 } = {}): string {
  const path = join(directory, name);
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  return path;
}

/** As a user other than root. */
function asUs(): void {
  const spy = vi.spyOn(process, 'geteuid').mockReturnValue(US);
  onTestFinished(() => spy.mockRestore());
}

describe('a file', () => {
  it.each([
    { mode: 0o644, refusal: null },
    { mode: 0o600, refusal: null },
    { mode: 0o664, refusal: null },
    {
      mode: 0o664,
      gid: STRANGER,
      refusal: /can be written by others \(mode 664\): run chmod go-w/,
    },
    { mode: 0o646, refusal: /can be written by others \(mode 646\)/ },
    { mode: 0o644, uid: STRANGER, refusal: /belongs to uid 12345: it must belong to root or/ },
    { mode: 0o400, uid: STRANGER, refusal: /belongs to uid 12345/ },
  ])('of %j, for root', ({ refusal, ...more }) => {
    const file = make('file', more);
    if (refusal === null) expect(readTrusted(file, PUBLIC).toString()).toBe('text');
    else expect(() => readTrusted(file, PUBLIC)).toThrow(refusal);
  });

  it.each([
    { uid: 0, refusal: null },
    { uid: US, gid: US, refusal: null },
    { uid: US, gid: US, mode: 0o664, refusal: /can be written by others/ },
    { uid: STRANGER, refusal: /belongs to uid 12345/ },
  ])('of %j, for a user', ({ refusal, ...more }) => {
    asUs();
    const file = make('file', more);
    if (refusal === null) expect(readTrusted(file, PUBLIC).toString()).toBe('text');
    else expect(() => readTrusted(file, PUBLIC)).toThrow(refusal);
  });

  it.each([
    { mode: 0o600, uid: US, refusal: null },
    { mode: 0o640, uid: US, refusal: /can be read by others \(mode 640\): run chmod 600/ },
    { mode: 0o604, uid: US, refusal: /can be read by others/ },
    { mode: 0o640, uid: 0, gid: US, refusal: null },
    { mode: 0o644, uid: 0, refusal: /can be read by others/ },
  ])('with a secret, of %j, for a user', ({ refusal, ...more }) => {
    asUs();
    const file = make('file', more);
    if (refusal === null) expect(readTrusted(file, PRIVATE).toString()).toBe('text');
    else expect(() => readTrusted(file, PRIVATE)).toThrow(refusal);
  });

  it('that does not exist is null, or refused', () => {
    expect(readTrustedIfThere(join(directory, 'none'), PUBLIC)).toBeNull();
    expect(() => readTrusted(join(directory, 'none'), PUBLIC)).toThrow('no such file');
  });

  it('is read whole up to the limit, whatever size it reports', () => {
    const file = make('file', { text: 'x'.repeat(1000) });
    expect(readTrusted(file, PUBLIC)).toHaveLength(1000);
    expect(() => readTrusted(file, { ...PUBLIC, maxBytes: 999 })).toThrow('is too large');
    // Of no bytes, by its stat.
    const status = readTrusted('/proc/self/status', { ...PUBLIC, maxBytes: 65_536 });
    expect(status.toString()).toMatch(/^Name:[\s\S]*ctxt_switches:\t\d+\n$/);
    expect(() => readTrusted('/proc/self/status', { ...PUBLIC, maxBytes: 100 })).toThrow(
      'is too large',
    );
  });
});

describe('a file that is not regular', () => {
  it('is refused without blocking: a directory, a pipe, devices', () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [directory, pipe, '/dev/zero', '/dev/null', '/dev/tty']) {
      expect(() => readTrusted(path, PUBLIC), path).toThrow(/regular file|can't be read/);
    }
  });

  it('is refused without blocking if its mode says regular: /proc/kmsg', () => {
    // The ring may hold messages, which are more than the bound; drained, a read would block. In a
    // container it may not be opened at all.
    const read = () => readTrusted('/proc/kmsg', { ...PUBLIC, maxBytes: 10 });
    expect(read).toThrow(/would block|is too large|can't be read/);
  });
});

describe('the path to a file', () => {
  it.each([
    { mode: 0o755, uid: 0, refusal: null },
    { mode: 0o1777, uid: 0, refusal: null },
    { mode: 0o775, uid: 0, refusal: null },
    { mode: 0o775, uid: 0, gid: STRANGER, refusal: /\/way can be written by others \(mode 775\)/ },
    { mode: 0o777, uid: 0, refusal: /\/way can be written by others \(mode 777\)/ },
    { mode: 0o755, uid: STRANGER, refusal: /\/way belongs to uid 12345/ },
    { mode: 0o1777, uid: STRANGER, refusal: /\/way belongs to uid 12345/ },
  ])('through a directory of %j', ({ refusal, ...more }) => {
    makeCgroup('way', more);
    makeCgroup('way/on');
    const file = make('way/on/file');
    if (refusal === null) expect(readTrusted(file, PUBLIC).toString()).toBe('text');
    else expect(() => readTrusted(file, PUBLIC)).toThrow(refusal);
  });

  it('may lead through the user’s own links, and through their targets', () => {
    make('file');
    symlinkSync('file', join(directory, 'link'));
    symlinkSync(directory, join(directory, 'again'));
    const far = makeCgroup('far');
    symlinkSync('../again/link', join(far, 'link'));
    for (const path of ['link', 'again/again/link', 'far/link', 'far/../again/./link']) {
      expect(readTrusted(`${directory}/${path}`, PUBLIC).toString(), path).toBe('text');
    }
  });

  it('may be that of a Kubernetes secret in a pod with an fsGroup', () => {
    asUs();
    makeCgroup('mount', { mode: 0o3777, gid: US });
    makeCgroup('mount/..2026_11_27', { mode: 0o2755, gid: US });
    make('mount/..2026_11_27/auth', { mode: 0o440, gid: US });
    symlinkSync('..2026_11_27', join(directory, 'mount/..data'));
    symlinkSync('..data/auth', join(directory, 'mount/auth'));
    expect(readTrusted(join(directory, 'mount/auth'), PRIVATE).toString()).toBe('text');
  });

  it('must not lead through another user’s link or directory', () => {
    make('file');
    const link = join(directory, 'link');
    symlinkSync('file', link);
    lchownSync(link, STRANGER, STRANGER);
    expect(() => readTrusted(link, PUBLIC)).toThrow(`${link} belongs to uid 12345`);
    const theirs = makeCgroup('theirs', { uid: STRANGER });
    make('theirs/file');
    symlinkSync('theirs/file', join(directory, 'inward'));
    const inward = join(directory, 'inward');
    expect(() => readTrusted(inward, PUBLIC)).toThrow(`${inward}: ${theirs} belongs to uid 12345`);
  });

  it('must not be a loop of links', () => {
    symlinkSync('b', join(directory, 'a'));
    symlinkSync('a', join(directory, 'b'));
    expect(() => readTrusted(join(directory, 'a'), PUBLIC)).toThrow('too many symbolic links');
  });

  it('is refused if the file is replaced while it is being read', () => {
    const file = make('file');
    const other = make('other');
    // The first call is for this directory, a part of the path, after the file was opened.
    chownSync(directory, US, US);
    const spy = vi.spyOn(process, 'geteuid').mockReturnValue(US);
    spy.mockImplementationOnce(() => {
      renameSync(other, file);
      return US;
    });
    onTestFinished(() => spy.mockRestore());
    expect(() => readTrusted(file, PUBLIC)).toThrow('was replaced while it was being read');
  });
});
