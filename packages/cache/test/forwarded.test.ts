/** Calls that a gateway passes on encoded. */

import { expect, it } from '@jest/globals';
import {
  CachedServiceDefinition,
  GetEntryRequest,
  GetEntryResponse,
} from '@rondo/contracts/rondo/conformance/v1/cached';
import { CallContext, Metadata } from '@rondo/rpc/call';
import { createForwarder, methodsOf } from '@rondo/rpc/internal';
import { cached } from './fixture.js';

const method = methodsOf(CachedServiceDefinition).get('getEntry');
const encoded = Buffer.from(GetEntryRequest.encode({ name: 'a' }).finish());
const request = { stream: false, message: encoded } as const;

function forwarding() {
  const made = cached();
  const forward = createForwarder(made.channel);
  const ask = async (how: Partial<Parameters<typeof forward>[0]> = {}) => {
    if (method === undefined) throw new Error('no such method');
    const metadata = new Metadata({ 'x-forwarded-for': '192.0.2.1' });
    const { response, from } = await forward({ method, metadata, context: new CallContext(), request, ...how });
    if (response.stream) throw new Error('a stream');
    return { message: response.message, from: from.address };
  };
  return { ...made, ask };
}

const textOf = (message: Uint8Array) => Buffer.from(GetEntryResponse.decode(message).content).toString();

it('are answered by what is kept, each with bytes of its own, and know whose answer it is', async () => {
  const { ask, client, counts, channel } = forwarding();
  for (let time = 0; time < 3; time += 1) {
    const { message, from } = await ask();
    expect([textOf(message), from]).toEqual(['content 1', 'memory']);
    message.fill(0);
  }
  const all = await Promise.all([ask({ request: () => request, requestKey: () => encoded }), ask()]);
  expect(all.map(({ message }) => textOf(message))).toEqual(['content 1', 'content 1']);
  await client.getEntry({ name: 'a' });
  expect(counts.get).toBe(1);
  channel.close();
});

it('are made if their request depends on the instance, or their metadata may identify the caller', async () => {
  const { ask, counts, channel } = forwarding();
  await ask();
  await ask({ request: () => request });
  await ask({ metadata: new Metadata({ authorization: 'anna' }) });
  expect(counts.get).toBe(3);
  const anna = { subject: 'anna', issuer: 'api-keys', scopes: [], actors: [] };
  await ask({ principal: anna });
  await ask({ principal: anna });
  expect(counts.get).toBe(4);
  channel.close();
});
