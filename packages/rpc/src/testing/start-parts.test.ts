import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createClient } from '../client/create-client.js';
import type { Part } from '../part/part.js';
import { startParts } from './start-parts.js';
import { createTestChannel, standIn } from './test-channel.js';

it('parts of a test start in their order, each available before the next, and know the tables of all', async () => {
  const steps: string[] = [];
  const part = (name: string): Part => ({
    name,
    schema: [{ name: `${name}s`, migrations: [] }],
    start: async ({ schema }) => void steps.push(`start ${name} (${schema.map((one) => one.name)})`),
    check: async () => void steps.push(`check ${name}`),
  });
  await startParts({ parts: [part('a'), part('b')] });
  expect(steps).toEqual(['start a (as,bs)', 'check a', 'start b (as,bs)', 'check b']);
  await startParts({});
});

it('a test channel has the services and the middleware of the parts, the app innermost', async () => {
  const order: string[] = [];
  const note =
    (name: string): NonNullable<Part['middleware']>[number] =>
    (call, next) => {
      order.push(name);
      return next(call);
    };
  const parts: Part[] = [
    { name: 'a', middleware: [note('a')], observers: [note('observer')] },
    {
      name: 'b',
      middleware: [note('b')],
      services: [standIn(ConformanceServiceDefinition, { unary: ({ text }) => ({ text }) })],
    },
  ];
  const channel = createTestChannel({ parts, services: [], middleware: [note('app')] });
  await createClient(ConformanceServiceDefinition, { channel }).unary({});
  expect(order).toEqual(['observer', 'a', 'b', 'app']);
  channel.close();
});
