// Sends messages of 1 MiB for as long as it may, and takes one of each stream of requests. It tells its address to its
// parent, and its RSS with each message from it.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';

/** Made once, so that what is measured isn't the handler's. */
const PAYLOAD = Buffer.alloc(2 ** 20, 1);
const never = new Promise(() => undefined);
const handlers = {
  unary: async () => ({}),
  unaryUnsafe: unimplemented('server.mjs'),
  async clientStream(requests) {
    for await (const _request of requests) await never;
    return {};
  },
  async *serverStream() {
    for (let index = 0; ; index += 1) yield { index, payload: PAYLOAD };
  },
  bidiStream: unimplemented('server.mjs'),
  follow: unimplemented('server.mjs'),
  unimplemented: unimplemented('server.mjs'),
};

const server = await serve(createRouter({ services: [implement(conformance, handlers)] }), { listen: '127.0.0.1:0' });
process.on('message', () => process.send(process.memoryUsage().rss));
process.send(server.address);
