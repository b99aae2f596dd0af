/** A server and a client in an empty project, which has installed the packages. */
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { startService } from '@rondo/service';

const adder = implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
const server = await startService({
  name: 'adder',
  port: 0,
  environment: { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'warn', RONDO_DRAIN_WAIT_MS: '0' },
  register: false,
  createApp: () => ({ services: [adder] }),
});
const channel = createChannel({ resolver: staticResolver([server.address]) });
const { result } = await createClient(AdderServiceDefinition, { channel }).add({ a: 2n, b: 3n });
process.stdout.write(`2 + 3 = ${result}\n`);
channel.close();
await server.drain();
