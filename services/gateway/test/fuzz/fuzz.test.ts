/**
 * Requests of every protocol, changed at random: the gateway lives, serves another client, and finds no fault of its own.
 * `RONDO_FUZZ_INPUTS=10000` runs more of them, and `RONDO_FUZZ_SEED` the same ones again.
 */

import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { ask1, ask2, closeAll, connect2 } from '../support/listening.js';
import { createDraw } from './draw.js';
import { type GatewayProcess, startGateway } from './gateway-process.js';
import { mutate } from './mutations.js';
import { drawRequest } from './requests.js';
import { type Written, write } from './wire.js';

const INPUTS = Number(process.env['RONDO_FUZZ_INPUTS'] ?? 300);
const SEED = Number(process.env['RONDO_FUZZ_SEED'] ?? randomInt(2 ** 31));
/** How many connections there are at once. */
const BATCH = 50;
/** What the gateway may keep of all requests: caches of code and of contracts. */
const GROWTH_BYTES = 32 * 1024 * 1024;
/** Bodies of the protocols for faults of the gateway itself. */
const OWN_FAULT = /internal error|the gateway failed/;

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await closeAll();
  await gateway.close();
});

/** The input with this number. It doesn't depend on the others. */
function inputOf(index: number): Written {
  const draw = createDraw(SEED + index);
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

/** A bound on what hangs, at a tenth of the usual speed. */
const TIMEOUT_MS = 600_000 + INPUTS * 600;

it(
  `survives ${INPUTS} requests of seed ${SEED}`,
  async () => {
    await serveHonestly();
    const before = await gateway.usage();
    for (let first = 0; first < INPUTS; first += BATCH) {
      const indexes = Array.from({ length: Math.min(BATCH, INPUTS - first) }, (_, offset) => first + offset);
      const answers = await Promise.all(indexes.map((index) => gateway.exchange(inputOf(index))));
      const suspects = indexes.filter((_, offset) => OWN_FAULT.test(answers[offset] ?? ''));
      expect({ seed: SEED, suspects, faults: gateway.faults }).toEqual({ seed: SEED, suspects: [], faults: [] });
      await serveHonestly();
    }
    const left = async () => (await gateway.usage()).connections;
    // The gateway waits for the rest of a body, or of headers, as long as for that of a slow client.
    for (let tries = 0; (await left()) > 0 && tries < 1_200; tries += 1) await sleep(systemClock, 100);
    const after = await gateway.usage();
    expect(after.connections).toBe(0);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(GROWTH_BYTES);
  },
  TIMEOUT_MS,
);
