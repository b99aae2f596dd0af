// One end of a chain of calls that may be traced, or the collector of their spans, as a worker.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { answerParent } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { standIn } from '@rondo/rpc/testing';
import { startService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';

const adder = standIn(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
let client;

/** A process as a service is one: its variables say whether it traces. */
const start = (services) =>
  startService({
    name: 'bench',
    port: 0,
    environment: { ...process.env, RONDO_REGISTRY: '127.0.0.1:1' },
    log: silentLogger,
    register: false,
    plugins: [telemetry],
    createApp: () => ({ services, learnsLimits: false }),
  });

answerParent({
  /** Serves the adder; gives the address. */
  serve: async () => (await start([adder])).address,
  /** Makes the client. */
  async connect({ address, frames }) {
    await start([]);
    const channel = createChannel({ resolver: staticResolver([address], { frames }) });
    client = createClient(AdderServiceDefinition, { channel });
  },
  /** Calls for a while; gives the number of calls, and how long it took. */
  async call({ seconds, concurrency }) {
    const startedAt = performance.now();
    const endsAt = startedAt + seconds * 1000;
    let calls = 0;
    const lane = async () => {
      while (performance.now() < endsAt) {
        const { result } = await client.add({ a: 2n, b: 3n });
        if (result !== 5n) throw new Error(`2 + 3 is not ${result}`);
        calls += 1;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return { calls, ms: performance.now() - startedAt };
  },
  /** The processor time of this process so far. Microseconds. */
  cpuMicros() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Takes whatever comes; gives the address. */
  async collect() {
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(200).end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${server.address().port}`;
  },
});
