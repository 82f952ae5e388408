/** The machine's states and transitions, for the page: read from its configuration. Pure. */

/** The part of XState's machine configuration that is read. */
export interface StateConfig {
  readonly description?: string | undefined;
  readonly states?: Readonly<Record<string, StateConfig>> | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: XState's type of transitions depends on the machine
  readonly on?: any;
}

export interface Transition {
  /** Full names, such as `cleanup.stopping`. */
  readonly from: string;
  readonly to: string;
  readonly event: string;
}

export interface Life {
  /** All states, also those that contain others. */
  readonly states: readonly { readonly name: string; readonly description: string }[];
  /** Transitions with a target; each event is listed once for each pair of states. */
  readonly transitions: readonly Transition[];
}

/** @param root `createLockexMachine().config` */
export function lifeOf(root: StateConfig): Life {
  const states: Life['states'][number][] = [];
  const transitions = new Map<string, Transition>();
  const visit = (parent: StateConfig, prefix: string) => {
    for (const [key, state] of Object.entries(parent.states ?? {})) {
      const name = `${prefix}${key}`;
      states.push({ name, description: state.description ?? '' });
      for (const [event, value] of Object.entries<unknown>(state.on ?? {})) {
        for (const target of targetsOf(value)) {
          const to = target.startsWith('#lockex.') ? target.slice(8) : `${prefix}${target}`;
          transitions.set(`${name} ${to} ${event}`, { from: name, to, event });
        }
      }
      visit(state, `${name}.`);
    }
  };
  visit(root, '');
  return { states, transitions: [...transitions.values()] };
}

/** A transition is an object, a string, or a list of them. */
function targetsOf(value: unknown): string[] {
  return [value].flat().flatMap((transition) => {
    if (typeof transition === 'string') return [transition];
    const { target } = (transition ?? {}) as { target?: string };
    return target === undefined ? [] : [target];
  });
}
