// A server with mutual TLS, as a worker: innocent clients and attackers call it.
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { burn } from '../attacks/beside.mjs';
import { mutualTlsIn } from '../identity/process.mjs';

const PAYLOAD = Buffer.alloc(64 * 1024);

const service = standIn(ConformanceServiceDefinition, {
  unary: ({ text }) => ({ text }),
  async clientStream(requests) {
    const texts = [];
    for await (const { text } of requests) texts.push(text);
    return { texts };
  },
  async *serverStream() {
    for (let index = 0; index < 1_000; index += 1) yield { index, payload: PAYLOAD };
  },
});

answerParent({
  /** @param own the folder of its certificate. */
  async serve(own) {
    const { port } = await serve(createRouter({ services: [service] }), {
      listen: '127.0.0.1:0',
      mutualTls: mutualTlsIn(own),
    });
    return port;
  },
  /** Keeps the event loop busy, as handlers do that compute. */
  burn,
});
