/** Names, paths and host lists: accepted values, and the reasons of refusals. */
import { describe, expect, it } from 'vitest';
import { lockId, lockPath, zookeeperHosts } from '../../../src/cli/values.ts';

describe('a lock id', () => {
  it.each(['007', 'a b', 'a.b', '...', 'é', '报告', 'zookeeper', '__lock__', 'x-__lock__y', "'"])(
    'may be %j',
    (text) => {
      expect(lockId('-i', text)).toBe(text);
    },
  );

  it.each([
    ['', '-i expects a lock name: it is empty'],
    ['a/b', "-i expects a lock name: 'a/b' contains a slash (use -p for the path)"],
    ['/', "-i expects a lock name: '/' contains a slash (use -p for the path)"],
    ['.', "-i expects a lock name: '.' is not allowed"],
    ['..', "-i expects a lock name: '..' is not allowed"],
    ['a-__lock__', "'a-__lock__' ends with -__lock__, which is reserved"],
    ['-__once__', "'-__once__' ends with -__once__, which is reserved"],
    ['a\nb', "'a\\u{a}b' contains characters that ZooKeeper rejects"],
  ])('must not be %j', (text, message) => {
    expect(() => lockId('-i', text)).toThrow(message);
  });

  // The limits of PathUtils.validatePath, and their neighbours.
  it.each([0x00, 0x1f, 0x7f, 0x9f, 0xd800, 0xdfff, 0xe000, 0xf8ff, 0xfff0, 0xffff])(
    'must not contain the character %i',
    (code) => {
      expect(() => lockId('-i', `a${String.fromCharCode(code)}`)).toThrow('ZooKeeper rejects');
    },
  );

  it.each([0x20, 0x7e, 0xa0, 0xd7ff, 0xf900, 0xffef])('may contain the character %i', (code) => {
    expect(lockId('-i', `a${String.fromCharCode(code)}`)).toHaveLength(2);
  });
});

describe('a lock path', () => {
  it.each([
    ['lockex', 'lockex'],
    ['/a/b', 'a/b'],
    ['a/b/', 'a/b'],
    ['zookeepers/x', 'zookeepers/x'],
    ['a/zookeeper', 'a/zookeeper'],
  ])('%j is read as %j', (text, path) => {
    expect(lockPath('-p', text)).toBe(path);
  });

  it.each([
    ['', 'it is empty'],
    ['/', 'it is empty'],
    ['a//b', "'a//b' has an empty component"],
    ['a/./b', "'a/./b' contains . or .."],
    ['../a', "'../a' contains . or .."],
    ['zookeeper', '/zookeeper is reserved by ZooKeeper'],
    ['/zookeeper/quota', '/zookeeper is reserved by ZooKeeper'],
    ['a\tb', "'a\\u{9}b' contains characters that ZooKeeper rejects"],
  ])('%j is refused', (text, message) => {
    expect(() => lockPath('-p', text)).toThrow(`-p expects a ZooKeeper path: ${message}`);
  });
});

describe('a host list', () => {
  it.each([
    ['h', [['h', 2181]], ''],
    ['h:1', [['h', 1]], ''],
    [
      'a:1,b,c:65535',
      [
        ['a', 1],
        ['b', 2181],
        ['c', 65535],
      ],
      '',
    ],
    [
      ' a:1 , b ',
      [
        ['a', 1],
        ['b', 2181],
      ],
      '',
    ],
    ['10.0.0.1:2181', [['10.0.0.1', 2181]], ''],
    [
      '[::1]:2182,[fe80::1%eth0],h',
      [
        ['::1', 2182],
        ['fe80::1%eth0', 2181],
        ['h', 2181],
      ],
      '',
    ],
    ['zk_1.example-host.org', [['zk_1.example-host.org', 2181]], ''],
    [
      'a,b:1/x/y',
      [
        ['a', 2181],
        ['b', 1],
      ],
      '/x/y',
    ],
    ['a/x/ ', [['a', 2181]], '/x'],
    ['a/', [['a', 2181]], ''],
  ])('%j', (text, hosts, chroot) => {
    expect(zookeeperHosts('-z', text)).toEqual({
      hosts: hosts.map(([host, port]) => ({ host, port })),
      chroot,
    });
  });

  it.each([
    ['', "-z expects host:port,… but got '' (a host is missing)"],
    ['/a', "-z expects host:port,… but got '' (a host is missing)"],
    ['a,,b', "-z expects host:port,… but got '' (a host is missing)"],
    ['a,', "-z expects host:port,… but got '' (a host is missing)"],
    ['a:', "-z expects host:port,… but got 'a:'"],
    [':2181', "-z expects host:port,… but got ':2181'"],
    ['a:0', "-z expects host:port,… but got 'a:0'"],
    ['a:65536', "-z expects host:port,… but got 'a:65536'"],
    ['a:1e3', "-z expects host:port,… but got 'a:1e3'"],
    ['a:-1', "-z expects host:port,… but got 'a:-1'"],
    ['a b', "-z expects host:port,… but got 'a b'"],
    ['a;b', "-z expects host:port,… but got 'a;b'"],
    ['$ZK', "-z expects host:port,… but got '$ZK'"],
    ['user@h', "-z expects host:port,… but got 'user@h'"],
    ['::1', "-z expects host:port,… but got '::1' (IPv6 addresses require brackets)"],
    [
      'fe80::1:2181',
      "-z expects host:port,… but got 'fe80::1:2181' (IPv6 addresses require brackets)",
    ],
    ['[::1', "-z expects host:port,… but got '[::1'"],
    ['[h]:1', "-z expects host:port,… but got '[h]:1'"],
    ['[]:1', "-z expects host:port,… but got '[]:1'"],
    ['[127.0.0.1]', "-z expects host:port,… but got '[127.0.0.1]'"],
    ['zk://a', "-z expects host:port,… but got 'zk:'"],
    [
      'a/x,b/x',
      '-z expects host:port,…/chroot: the chroot may appear only once, after the last host',
    ],
    ['a//x', "-z expects host:port,…/chroot: in the chroot, '/x' has an empty component"],
    ['a/../x', "-z expects host:port,…/chroot: in the chroot, '../x' contains . or .."],
    ['a/zookeeper/x', '-z expects host:port,…/chroot: /zookeeper is reserved by ZooKeeper'],
    ['a/\u001b', "-z expects host:port,…/chroot: in the chroot, '\\u{1b}' contains characters"],
  ])('%j is refused', (text, message) => {
    expect(() => zookeeperHosts('-z', text)).toThrow(message);
  });
});
