/** Retries between tiers of replicas that all fail: who retries, and how often. */
import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { createMemoryNetwork } from '../src/exports/testing.js';
import { closersOfATest } from './support/closers.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';

const closers = closersOfATest();

/** A client of three replicas whose handler is `unary`. */
function tier(unary: () => Promise<object>) {
  const network = createMemoryNetwork();
  const names = ['a', 'b', 'c'];
  for (const name of names) network.listen(name, createRouter({ services: [conformanceService({ unary })] }));
  const channel = createChannel({ resolver: staticResolver(names), transport: network.transport });
  closers.push(() => channel.close());
  const client = createClient(ConformanceServiceDefinition, { channel });
  return () => client.unary({});
}

it('replicas that all fail get at most 1.2 attempts a call once the reserve is spent, from the tier next to them alone', async () => {
  let attempts = 0;
  const lowest = tier(async () => {
    attempts += 1;
    throw new RpcError(Status.UNAVAILABLE, 'sick');
  });
  const top = tier(tier(lowest));
  expect(await failure(top())).toMatchObject({ code: Status.UNAVAILABLE, retryPushbackMs: -1 });
  expect(attempts).toBe(3);
  for (let calls = 0; calls < 100; calls += 1) await failure(top());
  attempts = 0;
  for (let calls = 0; calls < 200; calls += 1) await failure(top());
  expect(attempts).toBeGreaterThanOrEqual(200);
  expect(attempts).toBeLessThanOrEqual(200 * 1.2 + 8);
});
