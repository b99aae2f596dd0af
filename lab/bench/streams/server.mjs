// A server of streams.mjs, as a worker: plain grpc-js or Rondo. It checks every request.
import { once } from 'node:events';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { systemClock } from '@rondo/rpc/clock';
import { callLog } from '@rondo/rpc/internal';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';
import pino from 'pino';
import { servePlain } from '../plain/server.mjs';

answerParent({
  /** Serves on plain grpc-js, or on Rondo; gives the port. */
  serve: (kind) => (kind === 'plain' ? servePlain(conformance, plainHandlers) : serveRondo()),
  /** The CPU time of this process so far. Microseconds. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});

const reply = (index) => ({ index, payload: Buffer.alloc(0), status: undefined });
/** What a stream of so many right requests is answered with. */
function counter() {
  let count = 0;
  return {
    add({ text }) {
      if (text !== String(count)) throw new Error(`request ${text} where ${count} was expected`);
      count += 1;
    },
    reply: () => ({ texts: [String(count)] }),
  };
}

async function serveRondo() {
  const handlers = {
    unary: unimplemented('server.mjs'),
    unaryUnsafe: unimplemented('server.mjs'),
    follow: unimplemented('server.mjs'),
    unimplemented: unimplemented('server.mjs'),
    async clientStream(requests) {
      const received = counter();
      for await (const request of requests) received.add(request);
      return received.reply();
    },
    async *serverStream({ count }) {
      for (let index = 0; index < count; index += 1) yield reply(index);
    },
    async *bidiStream(requests) {
      for await (const { text } of requests) yield { text };
    },
  };
  const router = createRouter({
    services: [implement(conformance, handlers)],
    instanceId: 'bench',
    logger: pino(pino.destination('/dev/null')),
    middleware: [callLog({ clock: systemClock })],
  });
  return (await serve(router, { listen: '127.0.0.1:0' })).port;
}

const plainHandlers = {
  async serverStream(call) {
    for (let index = 0; index < call.request.count; index += 1) {
      if (!call.write(reply(index))) await once(call, 'drain');
    }
    call.end();
  },
  clientStream(call, respond) {
    const received = counter();
    call.on('data', (request) => received.add(request));
    call.on('end', () => respond(null, received.reply()));
  },
  bidiStream(call) {
    call.on('data', ({ text }) => call.write({ text }));
    call.on('end', () => call.end());
  },
};
