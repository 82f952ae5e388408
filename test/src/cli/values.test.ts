/** Names, paths and host lists: what is taken, and what is refused with a reason. */
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
    ['', '-i wants the name of a lock: it is empty'],
    ['a/b', "-i wants the name of a lock: 'a/b' has a slash (-p says where locks live)"],
    ['/', "-i wants the name of a lock: '/' has a slash (-p says where locks live)"],
    ['.', "-i wants the name of a lock: '.' is no name"],
    ['..', "-i wants the name of a lock: '..' is no name"],
    ['a-__lock__', "'a-__lock__' ends with -__lock__, which lockex reserves"],
    ['-__once__', "'-__once__' ends with -__once__, which lockex reserves"],
    ['a\nb', "'a\\u{a}b' has characters that ZooKeeper refuses"],
  ])('may not be %j', (text, message) => {
    expect(() => lockId('-i', text)).toThrow(message);
  });

  // The limits of PathUtils.validatePath, and their neighbours.
  it.each([0x00, 0x1f, 0x7f, 0x9f, 0xd800, 0xdfff, 0xe000, 0xf8ff, 0xfff0, 0xffff])(
    'may not hold the character %i',
    (code) => {
      expect(() => lockId('-i', `a${String.fromCharCode(code)}`)).toThrow('ZooKeeper refuses');
    },
  );

  it.each([0x20, 0x7e, 0xa0, 0xd7ff, 0xf900, 0xffef])('may hold the character %i', (code) => {
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
  ])('%j is %j', (text, path) => {
    expect(lockPath('-p', text)).toBe(path);
  });

  it.each([
    ['', 'it is empty'],
    ['/', 'it is empty'],
    ['a//b', "'a//b' has an empty part"],
    ['a/./b', "'a/./b' has . or .."],
    ['../a', "'../a' has . or .."],
    ['zookeeper', '/zookeeper is its own'],
    ['/zookeeper/quota', '/zookeeper is its own'],
    ['a\tb', "'a\\u{9}b' has characters that ZooKeeper refuses"],
  ])('%j is refused', (text, message) => {
    expect(() => lockPath('-p', text)).toThrow(`-p wants a path in ZooKeeper: ${message}`);
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
    ['', "-z wants host:port,… not '' (between commas there has to be a host)"],
    ['/a', "-z wants host:port,… not '' (between commas there has to be a host)"],
    ['a,,b', "-z wants host:port,… not '' (between commas there has to be a host)"],
    ['a,', "-z wants host:port,… not '' (between commas there has to be a host)"],
    ['a:', "-z wants host:port,… not 'a:'"],
    [':2181', "-z wants host:port,… not ':2181'"],
    ['a:0', "-z wants host:port,… not 'a:0'"],
    ['a:65536', "-z wants host:port,… not 'a:65536'"],
    ['a:1e3', "-z wants host:port,… not 'a:1e3'"],
    ['a:-1', "-z wants host:port,… not 'a:-1'"],
    ['a b', "-z wants host:port,… not 'a b'"],
    ['a;b', "-z wants host:port,… not 'a;b'"],
    ['$ZK', "-z wants host:port,… not '$ZK'"],
    ['user@h', "-z wants host:port,… not 'user@h'"],
    ['::1', "-z wants host:port,… not '::1' (IPv6 goes in brackets)"],
    ['fe80::1:2181', "-z wants host:port,… not 'fe80::1:2181' (IPv6 goes in brackets)"],
    ['[::1', "-z wants host:port,… not '[::1'"],
    ['[h]:1', "-z wants host:port,… not '[h]:1'"],
    ['[]:1', "-z wants host:port,… not '[]:1'"],
    ['[127.0.0.1]', "-z wants host:port,… not '[127.0.0.1]'"],
    ['zk://a', "-z wants host:port,… not 'zk:'"],
    ['a/x,b/x', '-z wants host:port,…/chroot: the chroot comes once, behind the last host'],
    ['a//x', "-z wants host:port,…/chroot: as a chroot, '/x' has an empty part"],
    ['a/../x', "-z wants host:port,…/chroot: as a chroot, '../x' has . or .."],
    ['a/zookeeper/x', '-z wants host:port,…/chroot: /zookeeper is its own, and no chroot'],
    ['a/\u001b', "-z wants host:port,…/chroot: as a chroot, '\\u{1b}' has characters"],
  ])('%j is refused', (text, message) => {
    expect(() => zookeeperHosts('-z', text)).toThrow(message);
  });
});
