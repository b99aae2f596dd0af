// A worker that takes one reply of each stream, or sends requests of 1 MiB for as long as it may.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

/** Made once, so that the caller's own memory isn't measured. */
const REQUEST = { text: 'x'.repeat(2 ** 20) };
async function* endless() {
  for (;;) yield REQUEST;
}
let client;
const stall = {
  replies: () => client.serverStream({})[Symbol.asyncIterator]().next(),
  requests: () => client.clientStream(endless(), { timeoutMs: Number.POSITIVE_INFINITY }),
};

answerParent({
  async connect(address) {
    client = createClient(conformance, { channel: createChannel({ resolver: staticResolver([address]) }) });
    await client.unary({});
  },
  begin({ kind, streams }) {
    for (let index = 0; index < streams; index += 1) void stall[kind]();
  },
  rss: () => process.memoryUsage().rss,
});
