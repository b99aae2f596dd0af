/** A process that is started anew, on a machine whose clock is behind that of the one before, and a real registry. */

import { afterEach, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { seededRandom } from '@rondo/rpc/testing';
import { createState, readinessOf, startRegistration } from '@rondo/service/testing';
import { SALES, sales, start, stopAll } from './started-registry.js';

afterEach(stopAll);

const TTL_MS = 9_000;

it('registers once the lease of its predecessor has run out, and keeps its own', async () => {
  const { registry, clock } = start();
  const ttl = { seconds: BigInt(TTL_MS / 1_000), nanos: 0 };
  await registry.register({ instance: sales({ incarnation: 1_000_000n }), ttl });
  // The predecessor is killed: nobody renews.
  const registration = startRegistration({
    registry,
    instance: { ...(await listed(registry)), incarnation: 999_000n },
    readiness: createState(readinessOf([])),
    ttlMs: TTL_MS,
    clock,
    random: seededRandom(1),
    log: silentLogger,
  });
  await clock.advance(TTL_MS - 1);
  expect(await listed(registry)).toMatchObject({ incarnation: 1_000_000n });
  await clock.advance(TTL_MS + 1_000);
  expect(await listed(registry)).toMatchObject({ incarnation: 999_000n });
  await clock.advance(60_000);
  expect(await listed(registry)).toMatchObject({ incarnation: 999_000n });
  await registration.close();
  expect((await registry.listInstances({ service: SALES })).instances).toEqual([]);
});

async function listed(registry: ReturnType<typeof start>['registry']) {
  const [instance] = (await registry.listInstances({ service: SALES })).instances;
  if (instance === undefined) throw new Error('nobody is registered');
  return instance;
}
