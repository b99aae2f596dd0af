import { expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { createHealth } from '../health.js';
import { createState, DRAINING, readinessOf } from '../state.js';
import { createGate } from './listen.js';

it('refuses calls while a dependency is unavailable, but no health check, and no call while draining', async () => {
  const readiness = createState(readinessOf(['the database at db:5432', 'the cache']));
  const add = implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
  const channel = createTestChannel({
    services: [add, createHealth({ readiness, services: [] })],
    clock: new ManualClock(),
    middleware: [createGate({ name: 'sales', readiness, open: [HealthDefinition.fullName] })],
  });
  const adder = createClient(AdderServiceDefinition, { channel });
  await expect(adder.add({ a: 1n, b: 2n })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
    message: "sales isn't ready: it waits for a dependency, which its log names; call again soon",
  });
  await expect(createClient(HealthDefinition, { channel }).check({})).resolves.toBeDefined();
  for (const ready of [readinessOf([]), DRAINING]) {
    readiness.set(ready);
    expect(await adder.add({ a: 1n, b: 2n })).toEqual({ result: 3n });
  }
});
