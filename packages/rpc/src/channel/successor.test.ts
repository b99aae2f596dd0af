/** The last instance of a service leaves, and its successor comes: calls wait for it for a while. */

import { describe, expect, it } from '@jest/globals';
import { endpoint, resolution } from '../../test/support/endpoints.js';
import { emptyReply } from '../../test/support/fake-transport.js';
import { failure } from '../../test/support/outcome.js';
import { makeCalls } from '../../test/support/retried-calls.js';
import { Status } from '../status/code.js';

function serving() {
  const calls = makeCalls({ instances: ['a'] });
  calls.answerWith(async () => emptyReply);
  return calls;
}

const DRAINING = { endpoints: [endpoint('a', { state: 'draining' })], departed: [] };
const GONE = { endpoints: [], departed: ['a'] };

describe('a call', () => {
  it.each([
    ['drains', [DRAINING]],
    ['has deregistered', [GONE]],
    ['drains and deregisters', [DRAINING, GONE]],
  ])('waits for the successor of the last instance, which %s', async (_title, steps) => {
    const { call, pool, clock } = serving();
    for (const step of steps) pool.onResolution(step);
    let made = false;
    const making = call('unknown').then(() => {
      made = true;
    });
    await clock.advance(1_000);
    pool.onResolution({ endpoints: [endpoint('a', { state: 'starting', incarnation: 2 })], departed: [] });
    await clock.advance(900);
    expect(made).toBe(false);
    pool.onResolution({ endpoints: [endpoint('a', { incarnation: 2 })], departed: [] });
    await making;
    expect(clock.timers).toBe(0);
  });

  it.each([
    ['drains', DRAINING],
    ['has deregistered', GONE],
  ])('fails two seconds after the last instance %s, and later ones fail at once', async (_title, step) => {
    const { call, pool, clock } = serving();
    pool.onResolution(step);
    const failed = failure(call('unknown'));
    await clock.advance(2_000);
    expect(await failed).toMatchObject({ code: Status.UNAVAILABLE });
    expect(await failure(call('unknown'))).toMatchObject({ code: Status.UNAVAILABLE });
    expect(clock.timers).toBe(0);
  });

  it('waits no longer for a successor that has come', async () => {
    const { call, pool } = serving();
    pool.onResolution(DRAINING);
    expect(pool.lookup.successorMs).toBeGreaterThan(0);
    pool.onResolution({ endpoints: [endpoint('a', { incarnation: 2 })], departed: [] });
    await call('unknown');
    expect(pool.lookup.successorMs).toBe(0);
  });

  it('fails at once if the last instance went without a word, or there has been none', async () => {
    const { call, pool } = serving();
    pool.onResolution({ endpoints: [], departed: [] });
    // Its connection stands for it until it breaks.
    await call('unknown');
    const none = makeCalls({ instances: [] });
    none.pool.onResolution(resolution());
    expect(await failure(none.call('unknown'))).toMatchObject({ code: Status.UNAVAILABLE });
  });
});
