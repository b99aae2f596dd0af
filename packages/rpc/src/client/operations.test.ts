import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { type Operation, OperationsDefinition } from '@rondo/contracts/google/longrunning/operations';
import { HireResponse, HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createChannel } from '../channel/channel.js';
import type { Resolver } from '../resolver/resolver.js';
import { staticResolver } from '../resolver/static.js';
import { createRouter } from '../server/router.js';
import { Status } from '../status/code.js';
import { packDetail } from '../status/detail.js';
import { standIn } from '../testing/test-channel.js';
import { createMemoryNetwork } from '../transport/memory/network.js';
import { createClient } from './create-client.js';
import { waitFor } from './operations.js';

const { hire } = HiringServiceDefinition.methods;
const name = 'operations/rondo.conformance.v1.HiringService/01J';
const ended: Partial<Operation> = {
  name,
  done: true,
  result: { $case: 'response', value: packDetail(HireResponse, { text: 'hired' }) },
};

/** A system whose only server gives these answers to waits, one after the other. `looked` are the services that were looked up. */
function start(...answers: readonly Partial<Operation>[]) {
  const clock = new ManualClock();
  const network = createMemoryNetwork();
  const waited: (bigint | undefined)[] = [];
  const listed: string[] = [];
  const operations = standIn(OperationsDefinition, {
    waitOperation({ timeout }) {
      waited.push(timeout?.seconds);
      return answers[waited.length - 1] ?? { name };
    },
    listOperations({ filter }) {
      listed.push(filter);
      return {};
    },
  });
  network.listen('server', createRouter({ services: [operations], clock }));
  const looked: string[] = [];
  const resolver: Resolver = {
    source: 'the test',
    resolve(service, listener) {
      looked.push(service);
      return staticResolver(['server']).resolve(service, listener);
    },
    close() {},
  };
  const channel = createChannel({ resolver, transport: network.transport, clock });
  return { channel, clock, looked, waited, listed };
}

it('waits at the service in the name until the operation has ended, and returns what its contract promises', async () => {
  const { channel, clock, looked, waited } = start({ name }, { name }, ended);
  const waiting = waitFor(hire, { name }, { channel });
  for (let ms = 0; ms < 1_000; ms += 100) await clock.advance(100);
  const hired: HireResponse = await waiting;
  expect(hired).toEqual({ text: 'hired' });
  expect(waited).toEqual([30n, 30n, 30n]);
  expect(looked).toEqual(['rondo.conformance.v1.HiringService']);
});

it.each<[string, Partial<Operation>, Status, string]>([
  [
    'that the operation ended with',
    { name, done: true, result: { $case: 'error', value: { code: 9, message: 'sold out', details: [] } } },
    Status.FAILED_PRECONDITION,
    'sold out',
  ],
  [
    'that names both types, if another method is given',
    {
      name,
      done: true,
      result: { $case: 'response', value: { typeUrl: 'type.googleapis.com/a.B', value: Buffer.of() } },
    },
    Status.INTERNAL,
    `${name} ended with a.B, and the method that is given promises rondo.conformance.v1.HireResponse`,
  ],
])('throws the error %s', async (...[, answer, code, text]) => {
  const { channel } = start(answer);
  await expect(waitFor(hire, { name }, { channel })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(text),
  });
});

it('says that the operation goes on, when the wait is over', async () => {
  const { channel, clock } = start();
  const waiting = waitFor(hire, { name }, { channel, timeoutMs: 1_500 });
  const failed = expect(waiting).rejects.toMatchObject({
    code: Status.DEADLINE_EXCEEDED,
    message: `${name} has not ended within 1500 ms, and goes on; wait again, or for longer by timeoutMs`,
  });
  for (let ms = 0; ms < 2_000; ms += 100) await clock.advance(100);
  await failed;
});

it('a client of operations asks the service that the name or the filter says, and never looks up operations', async () => {
  const { channel, looked, listed } = start();
  const client = createClient(OperationsDefinition, { channel });
  await client.listOperations({ filter: 'service = "sales.v1.OrderService" AND done = true' });
  expect(await client.waitOperation({ name })).toMatchObject({ name });
  expect(looked).toEqual(['sales.v1.OrderService', 'rondo.conformance.v1.HiringService']);
  expect(listed).toHaveLength(1);
  await expect(client.listOperations({ filter: 'done = true' })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    message: 'filter: is "done = true"; say whose operations to list: service = "sales.v1.OrderService"',
  });
  await expect(client.getOperation({ name: 'projects/p/operations/1' })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    message: expect.stringMatching(/^name: is "projects\/p\/operations\/1"; give operations\/SERVICE\/ID/),
  });
});
