import { expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter, implement, serve } from '../src/exports/server.js';

it.each([
  { name: 'takes frames', endpoint: { frames: true }, options: {}, frames: true },
  { name: 'takes gRPC alone', endpoint: {}, options: {}, frames: false },
  { name: 'is called by gRPC by its caller', endpoint: { frames: true }, options: { frames: false }, frames: false },
])(
  'a direct channel reaches an instance as the channel does: one that $name',
  async ({ endpoint, options, frames }) => {
    const seen: boolean[] = [];
    const adder = implement(AdderServiceDefinition, {
      add({ a, b }, { metadata }) {
        seen.push(!metadata.has('user-agent')); // which every client by gRPC sends
        return { result: a + b };
      },
    });
    const server = await serve(createRouter({ services: [adder] }), { listen: '127.0.0.1:0' });
    const channel = createChannel({ resolver: staticResolver([]), ...options });
    const direct = channel.direct([{ address: server.address, ...endpoint }]);
    try {
      expect(await createClient(AdderServiceDefinition, { channel: direct }).add({ a: 2n, b: 3n })).toEqual({
        result: 5n,
      });
      expect(seen).toEqual([frames]);
    } finally {
      direct.close();
      channel.close();
      await server.drain(0);
    }
  },
);
