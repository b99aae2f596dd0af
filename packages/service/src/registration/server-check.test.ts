import { afterEach, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { silentLogger } from '@rondo/rpc/call';
import { createState, DRAINING, type Readiness, readinessOf } from '../state.js';
import { followCheck } from './server-check.js';

const closing: AbortController[] = [];
afterEach(() => {
  for (const one of closing.splice(0)) one.abort();
});

/** Checks a server whose answers the test gives: the phase after each second. */
function checked() {
  const clock = new ManualClock();
  const readiness = createState<Readiness>(readinessOf(['the server']));
  const ending = new AbortController();
  closing.push(ending);
  let answer: 'ok' | 'fault' | 'none' = 'ok';
  const check = () => {
    if (answer === 'none') return new Promise<never>(() => undefined);
    return answer === 'ok' ? Promise.resolve() : Promise.reject(new Error('no answer'));
  };
  const ended = followCheck({ check, readiness, clock, log: silentLogger, signal: ending.signal });
  return {
    readiness,
    ended,
    clock,
    async after(...answers: readonly (typeof answer)[]) {
      const phases: string[] = [];
      for (const next of answers) {
        answer = next;
        await clock.advance(1_000);
        phases.push(readiness.current.phase);
      }
      return phases;
    },
  };
}

it('takes a server in after two answers in a row, and out after three failures in a row', async () => {
  const { after } = checked();
  expect(await after('ok')).toEqual(['serving']);
  expect(await after('fault', 'fault', 'fault')).toEqual(['serving', 'serving', 'starting']);
  expect(await after('ok', 'ok')).toEqual(['starting', 'serving']);
});

it('changes nothing for a server that fails now and then', async () => {
  const { after } = checked();
  expect(new Set(await after('ok', 'fault', 'fault', 'ok', 'fault', 'fault', 'ok', 'fault'))).toEqual(
    new Set(['serving']),
  );
  expect(await after('fault', 'fault')).toEqual(['serving', 'starting']);
  expect(new Set(await after('ok', 'fault', 'ok', 'fault'))).toEqual(new Set(['starting']));
});

it('takes a server that hangs for one that fails', async () => {
  const { after } = checked();
  await after('ok');
  expect(await after('none', 'none', 'none', 'none')).toEqual(['serving', 'serving', 'serving', 'starting']);
});

it('leaves a server alone that drains', async () => {
  const { after, readiness, ended } = checked();
  await after('ok');
  readiness.set(DRAINING);
  expect(await after('fault')).toEqual(['draining']);
  await ended;
});
