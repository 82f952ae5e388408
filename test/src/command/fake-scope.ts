/** A scope without processes that records the signals sent to it. */
import type { Presence, ProcessScope } from '../../../src/command/processes/scope.ts';

export class FakeScope implements ProcessScope {
  readonly name = 'a fake';
  readonly signals: string[] = [];
  isEmpty = false;
  presence = (): Presence => ({ state: this.isEmpty ? 'empty' : 'populated' });
  living = () => [];
  signal = (signal: NodeJS.Signals) => void this.signals.push(signal);
  kill = () => void this.signals.push('SIGKILL');
  record = () => [{ pid: 7, start: 1 }];
  close = () => {};
}
