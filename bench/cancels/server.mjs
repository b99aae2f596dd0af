// A server whose handlers end by their callers alone. It tells its address to its parent, and with each message from it
// what is left, once its sockets and what they still had to do are gone.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';

let begun = 0;
let running = 0;
const until = (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));

async function counted(work) {
  begun += 1;
  running += 1;
  try {
    await work();
  } finally {
    running -= 1;
  }
  return {};
}
async function* countedStream(work) {
  begun += 1;
  running += 1;
  try {
    yield* work();
  } finally {
    running -= 1;
  }
}
const handlers = {
  unary: async () => ({ text: String(running) }),
  unaryUnsafe: (_request, { signal }) => counted(() => until(signal)),
  clientStream: (requests) =>
    counted(async () => {
      for await (const _request of requests);
    }),
  serverStream: (_request, { signal }) =>
    countedStream(async function* () {
      for (let index = 0; index < 5; index += 1) yield { index };
      await until(signal);
    }),
  bidiStream: (requests) =>
    countedStream(async function* () {
      for await (const _request of requests) yield { index: 1 };
    }),
  follow: unimplemented('server.mjs'),
  unimplemented: unimplemented('server.mjs'),
};

const server = await serve(createRouter({ services: [implement(conformance, handlers)] }), { listen: '127.0.0.1:0' });
const resources = () => {
  const left = {};
  for (const kind of process.getActiveResourcesInfo()) left[kind] = (left[kind] ?? 0) + 1;
  return left;
};
process.on('message', () => {
  const look = () => {
    const left = resources();
    if (left.TCPSocketWrap > 0 || left.Immediate > 0) return setTimeout(look, 20).unref();
    process.send({ begun, running, left, rssMiB: process.memoryUsage().rss >> 20 });
  };
  look();
});
process.send(server.address);
