/** The kernel: events, clocks, processes, microtasks, and that a seed decides everything. */
import { describe, expect, it } from 'vitest';
import { SimulatedHost, SimulatedProcess } from './process.ts';
import { ProcessClock } from './process-clock.ts';
import { Simulation } from './simulation.ts';
import { Worker } from './worker.ts';

function newProcess(simulation: Simulation, clockRate = 1) {
  const host = new SimulatedHost(simulation, 'host', { clockRate });
  return { host, process: new SimulatedProcess(host, 'process') };
}

describe('events', () => {
  it('run at their times, those of one time in an order that the seed decides', async () => {
    const orderOf = async (seed: number) => {
      const simulation = new Simulation({ seed });
      const order: string[] = [];
      for (const name of 'abcdefgh') simulation.schedule(5, () => order.push(name));
      simulation.schedule(1, () => order.push('first'));
      simulation.schedule(9, () => order.push('last'));
      await simulation.run(10);
      return order.join(' ');
    };
    const [one, again, other] = [await orderOf(1), await orderOf(1), await orderOf(2)];
    expect(one).toBe(again);
    expect(one).not.toBe(other);
    expect(one).toMatch(/^first [a-h ]* last$/);
  });

  it('that were cancelled do not run', async () => {
    const simulation = new Simulation({ seed: 1 });
    const ran: number[] = [];
    const events = [1, 2, 3].map((at) => simulation.schedule(at, () => ran.push(at)));
    if (events[1]) simulation.cancel(events[1]);
    await simulation.run(10);
    expect(ran).toEqual([1, 3]);
    expect(simulation.now).toBe(10);
  });

  it('keep their order in a queue of thousands', async () => {
    const simulation = new Simulation({ seed: 3 });
    const random = simulation.random('test');
    const times: number[] = [];
    for (let count = 0; count < 5000; count += 1) {
      const at = random.between(0, 1000);
      simulation.schedule(at, () => times.push(simulation.now));
    }
    await simulation.run(1000);
    expect(times).toHaveLength(5000);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  });

  it('leave no microtask behind for the next event', async () => {
    const simulation = new Simulation({ seed: 1 });
    const order: string[] = [];
    const chain = async (name: string) => {
      for (let step = 0; step < 50; step += 1) await null;
      queueMicrotask(() => order.push(`${name} done at ${simulation.now}`));
    };
    for (const [at, name] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const) {
      simulation.schedule(at, () => {
        simulation.awaken();
        order.push(`${name} begins`);
        void chain(name);
      });
    }
    await simulation.run(10);
    expect(order).toEqual(
      ['a', 'b', 'c'].flatMap((name, at) => [`${name} begins`, `${name} done at ${at + 1}`]),
    );
  });

  it('that never come are reported with the seed', async () => {
    const simulation = new Simulation({ seed: 77 });
    await expect(simulation.until(() => false, 'nothing', 100)).rejects.toThrow(/nothing.*seed 77/);
  });
});

describe('a process', () => {
  it('does nothing while it is paused, and everything when it goes on', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process } = newProcess(simulation);
    const at: number[] = [];
    for (const delay of [1, 5, 6, 20]) process.post(delay, () => at.push(simulation.now));
    simulation.schedule(2, () => process.pause());
    simulation.schedule(10, () => process.resume());
    await simulation.run(30);
    expect(at).toEqual([1, 10, 10, 20]);
  });

  it('does nothing any more when it has ended', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process } = newProcess(simulation);
    let runs = 0;
    process.post(5, () => (runs += 1));
    simulation.schedule(1, () => process.pause());
    simulation.schedule(6, () => process.end());
    simulation.schedule(7, () => process.resume());
    await simulation.run(30);
    expect(runs).toBe(0);
    expect(process.hasEnded).toBe(true);
  });

  it('has threads that handle one item after the other, and may get no CPU time', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process } = newProcess(simulation);
    const handled: string[] = [];
    const worker = new Worker<number>(process, (item) =>
      handled.push(`${item} ${simulation.now >= 100 ? 'late' : 'early'}`),
    );
    for (const item of [1, 2, 3]) worker.push(item);
    await simulation.run(1);
    worker.stall(100);
    for (const item of [4, 5]) worker.push(item);
    await simulation.run(1000);
    expect(handled).toEqual(['1 early', '2 early', '3 early', '4 late', '5 late']);
  });
});

describe('clocks', () => {
  it('of hosts drift, and are read in steps', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process, host } = newProcess(simulation, 1.002);
    const clock = new ProcessClock(process);
    const start = host.uptime();
    await simulation.run(100_000);
    expect(host.uptime() - start).toBeCloseTo(100_200, 3);
    expect(clock.now() % 10).toBe(0);
    expect(host.uptime() - clock.now()).toBeLessThan(10);
    host.setClockRate(0.998);
    const middle = host.uptime();
    await simulation.run(100_000);
    expect(host.uptime() - middle).toBeCloseTo(99_800, 3);
    host.stepClock(10);
    expect(host.uptime() - middle).toBeCloseTo(99_810, 3);
  });

  it('have timers of the host: a fast clock fires earlier', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process } = newProcess(simulation, 1.002);
    const clock = new ProcessClock(process, { maxLatenessMs: 0 });
    let firedAt = 0;
    clock.setTimeout(() => {
      firedAt = simulation.now;
    }, 10_000);
    const cancelled = clock.setTimeout(() => expect.unreachable(), 20_000);
    clock.clearTimeout(cancelled);
    clock.clearTimeout(undefined);
    await simulation.run(60_000);
    expect(firedAt).toBeCloseTo(10_000 / 1.002, 3);
  });

  it('go on while the host sleeps, and timers do not', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process, host } = newProcess(simulation);
    const clock = new ProcessClock(process, { maxLatenessMs: 0 });
    const start = host.uptime();
    const fired: number[] = [];
    for (const delay of [100, 2000]) clock.setTimeout(() => fired.push(simulation.now), delay);
    simulation.schedule(500, () => host.suspend());
    simulation.schedule(3500, () => host.wake());
    await simulation.run(10_000);
    expect(fired.map(Math.round)).toEqual([100, 5000]);
    expect(host.uptime() - start).toBeCloseTo(10_000);
    expect(host.monotonic() - start).toBeCloseTo(7000);
  });

  it('defer a call until the microtasks of the event have run', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { process } = newProcess(simulation);
    const clock = new ProcessClock(process);
    const order: string[] = [];
    process.post(1, () => {
      simulation.awaken();
      clock.defer(() => order.push(`deferred at ${simulation.now}`));
      queueMicrotask(() => order.push('microtask'));
      order.push('event');
    });
    await simulation.run(10);
    expect(order).toEqual(['event', 'microtask', 'deferred at 1']);
  });
});
