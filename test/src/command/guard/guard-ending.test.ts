/** How long the guard pauses between two rounds in which it kills what is left. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { GUARD_ENDING } from '../../../../src/command/guard/guard-script.ts';
import { SHELLS } from '../harness.ts';

/** Runs a script in a shell that has evaluated the guard's last part; returns its output lines. */
function linesOf([program = '', ...others]: readonly string[], isBroken: boolean, script: string) {
  const before = "can_time_out='' directory='' init=''";
  const whole = `${before} is_broken=${isBroken ? 1 : "''"}\neval "$ending"\n${script}`;
  const output = execFileSync(program, [...others, '-c', whole], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', ending: GUARD_ENDING },
  });
  return output.trim().split('\n');
}

describe.each(SHELLS)('a guard in %s', (_name, shell) => {
  it.each([true, false])('looks ever less often while it cannot read (broken: %s)', (broken) => {
    const script = `
      nap() { echo "$rounds $1"; }
      kill_tree() { unsure=1; [ "$rounds" -ge 201 ] && unsure=''; }
      kill_all 3>/dev/null`;
    const pauses = linesOf(shell, broken, script);
    expect(pauses).toHaveLength(201);
    expect([pauses[98], pauses[99]]).toEqual(['99 0.02', '100 1']);
    expect([pauses[198], pauses[199]]).toEqual(['199 1', '200 10']);
  });

  it('that is broken starts no process, except to pause while it cannot read', () => {
    const script = `
      sleep() { echo "$rounds:$unsure:$1"; }
      for rounds in 99 100; do
        unsure='' && nap 1
        unsure=1 && nap 1
      done`;
    expect(linesOf(shell, true, script)).toEqual(['100:1:1']);
  });
});
