/** Scenarios with one beginning and one order, for one server or more. */
import { Op } from '../ensemble/wire/codes.ts';
import {
  authBody,
  createBody,
  Mode,
  multiBody,
  OPEN,
  readBody,
  setAclBody,
  setDataBody,
  setWatchesBody,
  versionedBody,
} from '../support/frames.ts';
import { begin, end, type Scenario, T } from './scenario.ts';

const OWN_ONLY = [{ permissions: 31, scheme: 'auth', id: '' }];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'creation, data, versions, deletion',
    play: async (script, root) => {
      const a = await begin(script, root, 'a');
      await a.ask('create again', Op.create, createBody(root));
      await a.ask('create', Op.create, createBody(`${root}/x`, { data: 'one' }));
      await a.ask('create without data', Op.create, createBody(`${root}/n`, { data: null }));
      await a.ask('no parent', Op.create, createBody(`${root}/y/z`));
      await a.ask('create2', Op.create2, createBody(`${root}/t`, { data: 'two' }));
      await a.ask('read', Op.getData, readBody(`${root}/x`));
      await a.ask('read without data', Op.getData, readBody(`${root}/n`));
      await a.ask('set', Op.setData, setDataBody(`${root}/x`, 'three', 0));
      await a.ask('set an old version', Op.setData, setDataBody(`${root}/x`, 'four', 0));
      await a.ask('set any version', Op.setData, setDataBody(`${root}/x`, 'five'));
      await a.ask('exists', Op.exists, readBody(`${root}/x`));
      await a.ask('exists not', Op.exists, readBody(`${root}/q`));
      await a.ask('children', Op.getChildren, readBody(root));
      await a.ask('children2', Op.getChildren2, readBody(root));
      await a.ask('delete an old version', Op.delete, versionedBody(`${root}/x`, 1));
      await a.ask('delete one with children', Op.delete, versionedBody(root));
      await a.ask('delete', Op.delete, versionedBody(`${root}/x`, 2));
      await a.ask('delete again', Op.delete, versionedBody(`${root}/x`));
      await a.ask('children2', Op.getChildren2, readBody(root));
      await a.ask('children of nothing', Op.getChildren2, readBody(`${root}/x`));
      await end(a);
    },
  },
  {
    name: 'paths that are not valid',
    play: async (script, root) => {
      const a = await begin(script, root, 'a');
      const paths = [
        '',
        'x',
        `${root}/`,
        `${root}//x`,
        `${root}/.`,
        `${root}/../x`,
        `${root}/\u0001`,
      ];
      for (const path of paths) {
        await a.ask(
          `create ${JSON.stringify(path.slice(root.length))}`,
          Op.create,
          createBody(path),
        );
        await a.ask('set', Op.setData, setDataBody(path, 'x'));
        await a.ask('check', Op.multi, multiBody([{ op: 13, path }]));
      }
      await a.ask('dots in a name', Op.create, createBody(`${root}/a..b`));
      await a.ask('flags', Op.create, createBody(`${root}/f`, { mode: 9 }));
      await a.ask('delete the root', Op.delete, versionedBody('/'));
      await a.ask('delete /zookeeper', Op.delete, versionedBody('/zookeeper'));
      await end(a);
    },
  },
  {
    name: 'sequential and ephemeral nodes',
    play: async (script, root) => {
      const a = await begin(script, root, 'a');
      const make = (name: string, mode: number) =>
        a.ask(`create ${name}`, Op.create, createBody(`${root}/${name}`, { mode }));
      await make('s-', Mode.sequential);
      await make('s-', Mode.sequential);
      await make('e', Mode.ephemeral);
      await make('es-', Mode.ephemeralSequential);
      await a.ask('delete', Op.delete, versionedBody(`${root}/s-0000000001`));
      await make('s-', Mode.sequential);
      await make('', Mode.sequential);
      await a.ask('a child of an ephemeral node', Op.create, createBody(`${root}/e/x`));
      await a.ask('exists', Op.exists, readBody(`${root}/e`));
      await a.ask('children2', Op.getChildren2, readBody(root));
      const b = await script.actor('b').attach(0, T);
      await end(a);
      await b.barrier();
      await b.ask('children2', Op.getChildren2, readBody(root));
      await end(b);
    },
  },
  {
    name: 'transactions',
    play: async (script, root) => {
      const a = await begin(script, root, 'a');
      const [x, y] = [`${root}/x`, `${root}/y`];
      const multi = (what: string, ...operations: Parameters<typeof multiBody>[0]) =>
        a.ask(what, Op.multi, multiBody(operations));
      await multi('two creations', { op: 1, path: x }, { op: 1, path: y, mode: Mode.ephemeral });
      await multi('checks', { op: 13, path: x }, { op: 13, path: y, version: 0 });
      await multi('a check that fails', { op: 13, path: `${root}/q` });
      await multi(
        'the second fails',
        { op: 5, path: x, data: 'a' },
        { op: 13, path: x, version: 7 },
      );
      await a.ask('unchanged', Op.getData, readBody(x));
      await multi('the first fails', { op: 13, path: `${root}/q` }, { op: 2, path: x });
      await multi('sees its own', { op: 1, path: `${root}/z` }, { op: 1, path: `${root}/z/z` });
      await multi('rolled back', { op: 1, path: `${root}/w` }, { op: 1, path: `${root}/z` });
      await a.ask('not there', Op.exists, readBody(`${root}/w`));
      await multi('after the rollback', { op: 1, path: `${root}/w` });
      await multi('set and delete', { op: 5, path: x, data: 'b' }, { op: 2, path: x, version: 1 });
      await multi('create2', { op: 15, path: `${root}/c2`, data: 'abc' });
      await multi(
        'sequences',
        ...[0, 1].map(() => ({ op: 1, path: `${root}/s`, mode: 2 }) as const),
      );
      await multi('nothing');
      await a.ask('children2', Op.getChildren2, readBody(root));
      await end(a);
    },
  },
  {
    name: 'watches',
    play: async (script, root) => {
      const a = await begin(script, root, 'a');
      const b = await script.actor('b').attach(script.stage.servers - 1, T);
      await b.barrier();
      const x = `${root}/x`;
      const change = async (what: string, op: number, body: Buffer) => {
        await a.ask(what, op, body);
        await b.barrier();
      };
      await b.ask('watch what is not there', Op.exists, readBody(x, true));
      await b.ask('watch children', Op.getChildren2, readBody(root, true));
      await change('create', Op.create, createBody(x));
      await change('create another', Op.create, createBody(`${root}/y`));
      await b.ask('watch data', Op.getData, readBody(x, true));
      await b.ask('watch data twice', Op.exists, readBody(x, true));
      await change('set', Op.setData, setDataBody(x, '1'));
      await change('set again', Op.setData, setDataBody(x, '2'));
      await b.ask('watch data', Op.getData, readBody(x, true));
      await b.ask('watch its children', Op.getChildren2, readBody(x, true));
      await b.ask('watch children', Op.getChildren2, readBody(root, true));
      await change('delete', Op.delete, versionedBody(x));
      await b.ask('a watch on nothing', Op.getData, readBody(x, true));
      await change('create', Op.create, createBody(x));
      await b.ask('watch', Op.exists, readBody(x, true));
      await b.ask('set watches', Op.setWatches, setWatchesBody(0, { data: [x, `${root}/q`] }));
      await change('by a transaction', Op.multi, multiBody([{ op: 2, path: x }]));
      await end(a, b);
    },
  },
  {
    name: 'permissions',
    play: async (script, root) => {
      const a = await begin(script, root, 'a');
      const b = await script.actor('b').attach(0, T);
      const [own, read] = [`${root}/own`, `${root}/read`];
      await a.ask('own, not known', Op.create, createBody(own, { acl: OWN_ONLY }));
      await a.ask('no list', Op.create, createBody(own, { acl: [] }));
      const unknown = [{ permissions: 31, scheme: 'nothing', id: 'x' }];
      await a.ask('unknown scheme', Op.create, createBody(own, { acl: unknown }));
      await a.ask('authenticate', Op.auth, authBody('digest', 'u:p'), { xid: -4 });
      await a.ask('own', Op.create, createBody(own, { acl: OWN_ONLY, data: 'secret' }));
      const readers = [{ permissions: 1, scheme: 'world', id: 'anyone' }, ...OWN_ONLY];
      await a.ask('for readers', Op.create, createBody(read, { acl: readers }));
      for (const actor of [a, b]) {
        await actor.ask('read', Op.getData, readBody(own));
        await actor.ask('set', Op.setData, setDataBody(own, 'x'));
        await actor.ask('children', Op.getChildren2, readBody(own));
        await actor.ask('exists', Op.exists, readBody(own));
        await actor.ask('check', Op.multi, multiBody([{ op: 13, path: own }]));
        await actor.ask('create below', Op.create, createBody(`${own}/x-${actor.name}`));
        await actor.ask('delete below', Op.delete, versionedBody(`${own}/x-a`));
        await actor.ask('read', Op.getData, readBody(read));
        await actor.ask('set', Op.setData, setDataBody(read, 'x'));
        await actor.ask('change the list', Op.setAcl, setAclBody(read, OPEN, 0));
      }
      await b.ask('set', Op.setData, setDataBody(read, 'y'));
      await b.ask('authenticate', Op.auth, authBody('digest', 'u:other'), { xid: -4 });
      await b.ask('read', Op.getData, readBody(own));
      await b.ask('authenticate', Op.auth, authBody('digest', 'u:p'), { xid: -4 });
      await b.ask('read', Op.getData, readBody(own));
      await a.ask('unknown scheme', Op.auth, authBody('nothing', 'x'), { xid: -4 });
      await a.closed();
      await end(b, await script.actor('a again').attach(0, T, a.session));
    },
  },
  {
    name: 'requests that are sent without waiting are answered in order',
    play: async (script, root) => {
      const a = await begin(script, root, 'a', script.stage.servers - 1);
      const x = `${root}/x`;
      await a.askAll([
        ['exists', Op.exists, readBody(x, true)],
        ['create', Op.create, createBody(x)],
        ['set', Op.setData, setDataBody(x, '1')],
        ['read', Op.getData, readBody(x, true)],
        ['check', Op.multi, multiBody([{ op: 13, path: x }])],
        ['a check that fails', Op.multi, multiBody([{ op: 13, path: x, version: 7 }])],
        ['delete an old version', Op.delete, versionedBody(x, 0)],
        ['children', Op.getChildren2, readBody(root, true)],
        ['delete', Op.delete, versionedBody(x)],
        ['read', Op.getData, readBody(x)],
        ['create', Op.create, createBody(`${x}-`, { mode: Mode.ephemeralSequential })],
        ['create', Op.create, createBody(`${x}-`, { mode: Mode.ephemeralSequential })],
        ['children', Op.getChildren2, readBody(root)],
      ]);
      await end(a);
    },
  },
];
