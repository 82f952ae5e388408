/**
 * The events of a simulation in the order of their times. Events of the same time are ordered by
 * their rank, which the simulation draws, and then by the order in which they were scheduled.
 */

export interface ScheduledEvent {
  /** Milliseconds of the simulation's time. */
  readonly at: number;
  readonly rank: number;
  readonly order: number;
  /** null once the event has run or was cancelled. */
  run: (() => void) | null;
}

/** A binary heap. A cancelled event stays in it until its time comes. */
export class EventQueue {
  readonly #heap: ScheduledEvent[] = [];

  get size(): number {
    return this.#heap.length;
  }

  push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as ScheduledEvent;
      if (isBefore(parent, event)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  /** The next event that was not cancelled; it stays in the queue. */
  peek(): ScheduledEvent | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return null;
      if (first.run !== null) return first;
      this.#removeFirst();
    }
  }

  pop(): ScheduledEvent | null {
    const first = this.peek();
    if (first !== null) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    const size = heap.length;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= size) break;
      let child = heap[childAt] as ScheduledEvent;
      const right = heap[childAt + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt += 1;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}

function isBefore(one: ScheduledEvent, other: ScheduledEvent): boolean {
  if (one.at !== other.at) return one.at < other.at;
  if (one.rank !== other.rank) return one.rank < other.rank;
  return one.order < other.order;
}
