// Takes one reply of each stream, or sends requests of 1 MiB for as long as it may.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';

const [address, kind, streams] = process.argv.slice(2);
const client = createClient(conformance, { channel: createChannel({ resolver: staticResolver([address]) }) });

/** Made once, so that what is measured isn't the caller's. */
const REQUEST = { text: 'x'.repeat(2 ** 20) };
async function* endless() {
  for (;;) yield REQUEST;
}
const stall = {
  replies: () => client.serverStream({})[Symbol.asyncIterator]().next(),
  requests: () => client.clientStream(endless(), { timeoutMs: Number.POSITIVE_INFINITY }),
}[kind];

await client.unary({});
process.on('message', (message) => {
  if (message === 'rss') return process.send(process.memoryUsage().rss);
  for (let index = 0; index < Number(streams); index += 1) void stall();
});
process.send('ready');
