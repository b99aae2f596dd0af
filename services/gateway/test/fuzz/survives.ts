import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { ask1, ask2, closeAll, connect2 } from '../support/listening.js';
import { createDraw } from './draw.js';
import { type GatewayProcess, startGateway } from './gateway-process.js';
import { mutate } from './mutations.js';
import { drawRequest } from './requests.js';
import { type Written, write } from './wire.js';

/** How many connections there are at once. */
const BATCH = 50;
/** What the gateway may keep of all requests: caches of code and of contracts. */
const GROWTH_BYTES = 32 * 1024 * 1024;
/** Bodies of the protocols for faults of the gateway itself. */
const OWN_FAULT = /internal error|the gateway failed/;

let gateway: GatewayProcess;

/** Requests of every protocol, changed at random: the gateway lives, serves another client, and finds no fault of its own. */
export function survives(requests: number): void {
  const seed = jest.getSeed();
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await closeAll();
    await gateway.close();
  });

  it(`the gateway survives ${requests} requests`, async () => {
    await serveHonestly();
    const before = await gateway.heapBytesAfterwards();
    for (let first = 0; first < requests; first += BATCH) {
      const indexes = Array.from({ length: Math.min(BATCH, requests - first) }, (_, offset) => first + offset);
      const answers = await Promise.all(indexes.map((index) => gateway.exchange(inputOf(seed + index))));
      const suspects = indexes.filter((_, offset) => OWN_FAULT.test(answers[offset] ?? ''));
      expect({ seed, suspects, faults: gateway.faults }).toEqual({ seed, suspects: [], faults: [] });
      await serveHonestly();
    }
    const grownBytes = (await gateway.heapBytesAfterwards()) - before;
    expect({ seed, faults: gateway.faults }).toEqual({ seed, faults: [] });
    expect(grownBytes).toBeLessThan(GROWTH_BYTES);
  });
}

/** The input of a seed. It doesn't depend on the others. */
function inputOf(seed: number): Written {
  const draw = createDraw(seed);
  return write(mutate(drawRequest(draw), draw), draw);
}

async function serveHonestly(): Promise<void> {
  const asked = {
    method: 'POST',
    path: '/v1/plain',
    headers: { 'content-type': 'application/json' },
    body: '{"a":"7"}',
  };
  const expected = { status: 200, body: '{"a":"7","b":"0","ratio":0}' };
  expect(await ask1(gateway.port, { ...asked, headers: { ...asked.headers, connection: 'close' } })).toMatchObject(
    expected,
  );
  const session = await connect2(`http://localhost:${gateway.port}`);
  expect(await ask2(session, asked)).toMatchObject(expected);
  session.destroy();
}
