/** Runs one of grpc's interop cases as a client: `node client.js HOST:PORT CASE`. */
import { TestServiceDefinition } from '@rondo/contracts/grpc/testing/test';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { interopCases } from './cases.js';

const [address = '', name = ''] = process.argv.slice(2);
const run = interopCases[name];
if (run === undefined) throw new Error(`there is no case "${name}": ${Object.keys(interopCases).join(', ')}`);
const channel = createChannel({ resolver: staticResolver([address]) });
try {
  await run(createClient(TestServiceDefinition, { channel }), channel);
} finally {
  channel.close();
}
