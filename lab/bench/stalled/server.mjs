// A worker that sends messages of 1 MiB for as long as it may, and takes one of each stream of requests.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';

/** Made once, so that the handler's own memory isn't measured. */
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
answerParent({ address: () => server.address, rss: () => process.memoryUsage().rss });
