// The conformance service in a process of its own, from the built package: the victim of attacks.ci.test.ts.
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { openMutualTls, readTlsSettings } from '@rondo/rpc/internal';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';

/** Returns the received metadata, as handlers do that pass metadata on. */
function echo({ header, trailer, metadata }) {
  header.appendAll(metadata);
  trailer.appendAll(metadata);
}

const handlers = {
  async unary({ text }, call) {
    echo(call);
    return { text };
  },
  async unaryUnsafe(_request, { metadata }) {
    throw new RpcError(Status.ABORTED, 'aborted', { metadata });
  },
  async clientStream(requests) {
    const texts = [];
    for await (const { text } of requests) texts.push(text);
    return { texts };
  },
  async *serverStream({ count, payloadBytes }, call) {
    echo(call);
    for (let index = 0; index < count; index += 1) yield { index, payload: Buffer.alloc(payloadBytes) };
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text };
  },
  follow: unimplemented('victim.mjs'),
  unimplemented: unimplemented('victim.mjs'),
};

const router = createRouter({ services: [implement(ConformanceServiceDefinition, handlers)], instanceId: 'victim' });
const mutualTls = openMutualTls(readTlsSettings(process.env), {
  usage: 'process',
  descriptorSet: undefined,
  clock: systemClock,
  wallClock: systemWallClock,
});
const { port } = await serve(router, { listen: '127.0.0.1:0', mutualTls });
/** The memory that is in use, without garbage. Bytes. */
function used() {
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const restBytes = used();
process.on('message', () => process.send(used() - restBytes));
process.send(port);
