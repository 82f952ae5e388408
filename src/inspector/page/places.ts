/**
 * The places of the machine's states and transitions on the page, set by hand: the page shows a
 * life from left to right, which no automatic layout does. A test compares this table with the
 * machine: every state and every transition must have a place here. Pure.
 */

/** The main states, in the order of a life. */
export const SPINE = ['connecting', 'waiting', 'locked', 'running', 'cleanup', 'done'] as const;

export interface Cell {
  /** For example `suspended.running`. */
  readonly state: string;
  /** The state of the spine under which it is drawn. */
  readonly under: string;
  readonly label: string;
}

/** States beside the spine, each with a cell for each inner state. */
export const LANES: Readonly<Record<string, readonly Cell[]>> = {
  suspended: [
    { state: 'suspended.waiting', under: 'waiting', label: 'waiting' },
    { state: 'suspended.locked', under: 'locked', label: 'locked' },
    { state: 'suspended.running', under: 'running', label: 'running' },
  ],
  lost: [
    { state: 'lost.disarming', under: 'locked', label: 'disarming' },
    { state: 'lost.stopping', under: 'running', label: 'stopping' },
  ],
};

export interface Step {
  readonly state: string;
  readonly label: string;
}

/** Inner states that are drawn inside their state of the spine, in order. */
export const STEPS: Readonly<Record<string, readonly Step[]>> = {
  locked: [
    { state: 'locked.confirming', label: 'confirm the lease' },
    { state: 'locked.arming', label: 'arm the guard' },
  ],
  cleanup: [
    { state: 'cleanup.stopping', label: 'stop the command' },
    { state: 'cleanup.stoppingByDeadline', label: 'stop it by the deadline' },
    { state: 'cleanup.recording', label: 'record the success' },
    { state: 'cleanup.holding', label: 'keep the lock' },
    { state: 'cleanup.releasing', label: 'release the lock' },
    { state: 'cleanup.closing', label: 'close the session' },
  ],
};

/**
 * The course of a line. `spine`: to the next state. `self`: back to the same state. `down`, `up`:
 * between a state and the lane below it. `fall`: from one lane to the next. `behind`: from a state
 * to the second lane. `back`: from the second lane to the first state. `rail`: above the spine to
 * cleanup. `side`: from a lane to cleanup.
 */
export type Course =
  | 'spine'
  | 'self'
  | 'down'
  | 'up'
  | 'fall'
  | 'behind'
  | 'back'
  | 'rail'
  | 'side';

/** One line stands for all transitions between two top-level states. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly course: Course;
  /** Empty: the line is drawn faintly, without a label. */
  readonly label: string;
}

const line = (from: string, to: string, course: Course, label = ''): Line => ({
  ...{ from, to, course, label },
});

export const LINES: readonly Line[] = [
  line('connecting', 'waiting', 'spine', 'connected'),
  line('waiting', 'locked', 'spine', 'granted'),
  line('locked', 'running', 'spine', 'armed'),
  line('running', 'cleanup', 'spine', 'ended'),
  line('cleanup', 'done', 'spine', 'closed'),
  line('connecting', 'connecting', 'self'),
  line('waiting', 'suspended', 'down'),
  line('locked', 'suspended', 'down'),
  line('running', 'suspended', 'down', 'disconnected'),
  line('suspended', 'waiting', 'up'),
  line('suspended', 'locked', 'up'),
  line('suspended', 'running', 'up', 'reconnected'),
  line('suspended', 'lost', 'fall', 'not reconnected in time'),
  line('waiting', 'lost', 'behind'),
  line('locked', 'lost', 'behind'),
  line('running', 'lost', 'behind'),
  line('lost', 'connecting', 'back', 'start over'),
  line('lost', 'cleanup', 'side', 'stopped'),
  line('suspended', 'cleanup', 'side'),
  line('connecting', 'cleanup', 'rail'),
  line('waiting', 'cleanup', 'rail'),
  line('locked', 'cleanup', 'rail'),
];

/** For the states that are not active. */
export const SUMMARIES: Readonly<Record<string, string>> = {
  connecting: 'a session with ZooKeeper',
  waiting: 'in the queue for the lock',
  locked: 'granted; confirmed before the command starts',
  running: 'the command runs; the lease is renewed',
  suspended: 'disconnected: the command runs on as long as the lease allows',
  lost: 'the command must have exited before the lease ends',
  cleanup: 'always in this order',
  done: 'lockex exits',
};

/** `suspended.running` → `suspended` */
export function outerOf(state: string): string {
  return state.split('.', 1)[0] ?? state;
}
