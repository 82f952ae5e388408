/** A scenario for simulated and real servers, and what all of them need. */
import { Op } from '../ensemble/wire/codes.ts';
import { createBody } from '../support/frames.ts';
import type { Actor, Script } from './actor.ts';

export interface Scenario {
  readonly name: string;
  readonly play: (script: Script, root: string) => Promise<void>;
}

/** Milliseconds; ticks of 500 ms are assumed. */
export const T = 4000;

/** A client with a session, which has created the root. */
export async function begin(
  script: Script,
  root: string,
  name: string,
  server = 0,
): Promise<Actor> {
  const actor = await script.actor(name).attach(server, T);
  await actor.ask('create the root', Op.create, createBody(root));
  return actor;
}

/** Closes the sessions of clients that are connected. */
export async function end(...actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) {
    if (!actor.client.isClosed) await actor.ask('close', Op.closeSession);
  }
}
