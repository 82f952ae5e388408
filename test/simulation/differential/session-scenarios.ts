/** Scenarios of sessions: how they begin, move, end and expire. */
import { Op } from '../ensemble/wire/codes.ts';
import { createBody, Mode, multiBody, pathBody, readBody, setDataBody } from '../support/frames.ts';
import { begin, end, type Scenario, T } from './scenario.ts';

export const SESSIONS: readonly Scenario[] = [
  {
    name: 'sessions: timeouts, re-attaching, passwords, closing',
    play: async (script, root) => {
      const a = await script.actor('a').attach(0, 1);
      await a.ask('create the root', Op.create, createBody(root));
      const b = await script.actor('b').attach(0, 1_000_000);
      const e = `${root}/e`;
      await b.ask('create', Op.create, createBody(e, { mode: Mode.ephemeral }));
      const again = await script.actor('b again').attach(0, T, b.session);
      await b.closed();
      await again.ask('exists', Op.exists, readBody(e));
      const wrong = { ...b.session, password: Buffer.alloc(16, 1) };
      const thief = await script.actor('thief').attach(0, T, wrong);
      await thief.closed();
      // The server closes the old connection of the session before it checks the password.
      await again.closed();
      const third = await script.actor('third').attach(0, T, b.session);
      await third.ask('close', Op.closeSession);
      await third.closed();
      await a.ask('exists', Op.exists, readBody(e));
      const late = await script.actor('late').attach(0, T, b.session);
      await late.closed();
      await a.ask('sync', Op.sync, pathBody(root));
      await end(a);
    },
  },
  {
    name: 'expiry',
    play: async (script, root) => {
      const a = await script.actor('a').attach(0, 10_000);
      await a.ask('create the root', Op.create, createBody(root));
      const b = await script.actor('b').attach(script.stage.servers - 1, 1000);
      const e = `${root}/e`;
      await b.ask('create', Op.create, createBody(e, { mode: Mode.ephemeral }));
      await a.barrier();
      await a.ask('watch', Op.exists, readBody(e, true));
      // The session expires. (A real server may close the idle connection earlier.)
      await script.stage.pass(4000);
      await b.closed();
      await a.barrier();
      await a.ask('exists', Op.exists, readBody(e));
      const late = await script.actor('late').attach(0, 1000, b.session);
      await late.closed();
      await end(a);
    },
  },
];

/** For ensembles: a session moves from one server to another. */
export const MOVES: readonly Scenario[] = [
  {
    name: 'a session moves between followers',
    play: async (script, root) => {
      const a = await begin(script, root, 'a', 1);
      const e = `${root}/e`;
      await a.ask('create', Op.create, createBody(e, { mode: Mode.ephemeral }));
      const moved = await script.actor('moved').attach(2, T, a.session);
      await moved.barrier();
      await moved.ask('exists', Op.exists, readBody(e));
      // The old connection is open: its server answers reads, and the leader refuses its changes.
      await a.ask('read on the old connection', Op.exists, readBody(e));
      await a.ask('change on the old connection', Op.setData, setDataBody(e, 'x'));
      await moved.barrier();
      await moved.ask('unchanged', Op.getData, readBody(e));
      await end(moved);
    },
  },
  {
    name: 'a session moves from a follower to the leader and back',
    play: async (script, root) => {
      const a = await begin(script, root, 'a', 1);
      const e = `${root}/e`;
      await a.ask('create', Op.create, createBody(e, { mode: Mode.ephemeral }));
      const moved = await script.actor('moved').attach(0, T, a.session);
      await moved.ask('exists', Op.exists, readBody(e));
      const old = multiBody([{ op: 13, path: e }]);
      await a.ask('a transaction on the old connection', Op.multi, old);
      const back = await script.actor('back').attach(1, T, a.session);
      await moved.ask('a read on the old connection at the leader', Op.exists, readBody(e));
      await back.ask('a transaction', Op.multi, old);
      await end(back);
    },
  },
  {
    name: 'closing on an old connection ends the session',
    play: async (script, root) => {
      const a = await begin(script, root, 'a', 1);
      const e = `${root}/e`;
      await a.ask('create', Op.create, createBody(e, { mode: Mode.ephemeral }));
      const moved = await script.actor('moved').attach(2, T, a.session);
      await a.ask('close', Op.closeSession);
      await moved.closed();
      const c = await script.actor('c').attach(0, T);
      await c.barrier();
      await c.ask('exists', Op.exists, readBody(e));
      await end(c);
    },
  },
];
