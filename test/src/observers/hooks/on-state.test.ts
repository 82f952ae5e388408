/** `--on-state`: in order, bounded, and the machine does not wait for it. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HookRunner, type StateChange } from '../../../../src/observers/hooks/hook-runner.ts';
import { onStateProgram } from '../../../../src/observers/hooks/on-state.ts';
import { contentOf, temporaryDirectory } from '../../../e2e/program.ts';
import { gone } from '../../../support/processes.ts';

const change = (state: string, more: Partial<StateChange> = {}): StateChange => ({
  state,
  from: '',
  reason: '',
  fencingToken: null,
  exitCode: null,
  ...more,
});

function hook(line: string, boundMs?: number) {
  const warnings: string[] = [];
  const env = { PATH: process.env['PATH'], LOCKEX_LOCK_PATH: "an outer lockex's" };
  const made = new HookRunner({
    name: '--on-state',
    programFor: onStateProgram(line, 'web', env),
    warn: (message) => warnings.push(message),
    ...(boundMs && { boundMs }),
  });
  return { made, warnings };
}

describe('the hook', () => {
  it('runs for each change, in order, one at a time', async () => {
    const file = `${temporaryDirectory()}/changes`;
    const content = '$LOCKEX_LOCKID $LOCKEX_STATE_BEFORE>$LOCKEX_STATE';
    const { made, warnings } = hook(
      `sleep 0.05; echo "${content} $LOCKEX_REASON $LOCKEX_FENCING_TOKEN $LOCKEX_EXIT_CODE $LOCKEX_LOCK_PATH" >>${file}`,
    );
    made.changed(change('running', { from: 'locked', fencingToken: '7' }));
    made.changed(change('lost', { from: 'running', reason: "it's gone; $(no)" }));
    made.changed(change('done', { from: 'lost', exitCode: 124 }));
    await made.finish();
    const lines = contentOf(file)
      .split('\n')
      .map((line) => line.trim());
    expect(lines).toEqual([
      'web locked>running  7',
      "web running>lost it's gone; $(no)",
      'web lost>done   124',
      '',
    ]);
    expect(warnings).toEqual([]);
  });

  it('that hangs is killed with its process group, and the next change follows', async () => {
    const file = `${temporaryDirectory()}/changes`;
    const { made, warnings } = hook(
      `echo $LOCKEX_STATE $$ >>${file}; [ $LOCKEX_STATE = done ] || { sleep 600 & sleep 600; }`,
      3000,
    );
    made.changed(change('running'));
    made.changed(change('done'));
    await expect.poll(() => contentOf(file)).toContain('done');
    const pid = Number(/running (\d+)/.exec(contentOf(file))?.[1]);
    await gone(pid);
    expect(warnings).toEqual(['--on-state took longer than 3 s for running and was killed']);
  });

  it('has a time limit when lockex ends', async () => {
    const file = `${temporaryDirectory()}/changes`;
    const { made } = hook(`echo $LOCKEX_STATE $$ >>${file}; exec sleep 600`, 2000);
    made.changed(change('running'));
    await expect.poll(() => contentOf(file)).toContain('\n');
    // The first one's own bound comes before that of all: the second is the one that is cut short.
    await pause(1000);
    for (const state of ['cleanup', 'done']) made.changed(change(state));
    await made.finish();
    const changes = contentOf(file).trim().split('\n');
    for (const line of changes) await gone(Number(line.split(' ')[1]));
    await pause(200);
    expect(contentOf(file)).not.toContain('done');
  });

  it('that is too slow misses the oldest change, with a warning', async () => {
    const { made, warnings } = hook('sleep 600', 200);
    for (let time = 0; time < 30; time += 1) made.changed(change(`s${time}`));
    expect(warnings.length).toBe(13);
    expect(warnings[0]).toBe('--on-state is too slow: not run for s1');
    await made.finish();
  });

  it('that can’t be found is reported on standard error, without other effects', async () => {
    const file = `${temporaryDirectory()}/states`;
    const { made, warnings } = hook(`exec 2>>${file}; no-such-program-at-all`);
    for (const state of ['running', 'done']) made.changed(change(state));
    await made.finish();
    expect(contentOf(file).match(/no-such-program-at-all/g)).toHaveLength(2);
    expect(warnings).toEqual([]);
  });
});
