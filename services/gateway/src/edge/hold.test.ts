import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { ask1, closeAll, listening } from '../../test/support/listening.js';
import { holdUntilStarted } from './hold.js';

afterEach(closeAll);

/** A gateway that has just started; its answers say whether the services were known. */
async function startingGateway() {
  const clock = new ManualClock();
  const listeners = new Set<() => void>();
  const catalogue = { started: false, onChange: (_listener: () => void) => () => {} };
  const held = new Promise<void>((resolve) => {
    catalogue.onChange = (listener) => {
      resolve();
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
  });
  const handler = holdUntilStarted(
    (exchange) => {
      exchange.respond(200, {});
      exchange.end(Buffer.from(catalogue.started ? 'known' : 'unknown'));
    },
    { catalogue, clock },
  );
  const { port } = await listening({ handler });
  const change = () => {
    for (const listener of [...listeners]) listener();
  };
  return { port, clock, catalogue, held, change, waiting: () => listeners.size };
}

describe('a gateway that has just started', () => {
  it('answers a request when the services are known', async () => {
    const { port, catalogue, held, change, waiting } = await startingGateway();
    const answer = ask1(port, { path: '/add' });
    await held;
    change();
    expect(waiting()).toBe(1);
    catalogue.started = true;
    change();
    expect(await answer).toMatchObject({ status: 200, body: 'known' });
    expect(waiting()).toBe(0);
  });

  it('answers after five seconds whatever is known', async () => {
    const { port, clock, held, waiting } = await startingGateway();
    const answer = ask1(port, { path: '/add' });
    await held;
    await clock.advance(5_000);
    expect(await answer).toMatchObject({ status: 200, body: 'unknown' });
    expect(waiting()).toBe(0);
  });

  it('answers a load balancer at once', async () => {
    const { port } = await startingGateway();
    expect(await ask1(port, { path: '/readyz' })).toMatchObject({ status: 200, body: 'unknown' });
  });
});
