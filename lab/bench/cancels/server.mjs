// A server, as a worker, whose handlers end only when their callers cancel.
import { setTimeout as sleep } from 'node:timers/promises';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
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
answerParent({
  address: () => server.address,
  /** What is left, once the sockets and their pending work are gone. */
  async remains() {
    let left = resources();
    for (; left.TCPSocketWrap > 0 || left.Immediate > 0; left = resources()) await sleep(20, undefined, { ref: false });
    return { begun, running, left, rssMiB: process.memoryUsage().rss >> 20 };
  },
});
