/** What doesn't compile: a line under `@ts-expect-error` that compiles is an error. Nothing of it is ever called. */
import { expect, it } from '@jest/globals';
import type { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { Client } from '@rondo/rpc/client';
import { broadcast, scatterStream } from '../src/exports/scatter.js';

async function scatterers(client: Client<typeof ConformanceServiceDefinition>): Promise<void> {
  for await (const { value, instance } of scatterStream(client.unary, [{ text: 'a' }])) (value.text + instance).trim();
  // @ts-expect-error a field that the message doesn't have
  void scatterStream(client.unary, [{ txet: 'misspelt' }]);
  // @ts-expect-error a stream is nothing to scatter
  void scatterStream(client.serverStream, [{}]);
  // @ts-expect-error a part may be lost where not all are required
  for await (const { value } of scatterStream(client.unary, [{}], { require: 'none' })) value.text.trim();
  for await (const part of scatterStream(client.unary, [{}], { require: 'none' })) {
    if (part.ok) part.value.text.trim();
    else part.error.code.toFixed();
  }
  // @ts-expect-error parts that come one by one have no quorum
  void scatterStream(client.unary, [{}], { require: { quorum: 1 } });
  void broadcast(client.unary, (instance) => ({ text: instance }), { require: { quorum: 2 } });
  // @ts-expect-error an option that doesn't exist
  void broadcast(client.unary, {}, { perInstance: 1 });
}

it('is checked by the compiler; here nothing runs', () => {
  expect(scatterers).toBeInstanceOf(Function);
});
