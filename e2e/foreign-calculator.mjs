// A calculator of plain grpc-js, such as another team may run. It prints its address, and serves until it is stopped.
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const proto = fileURLToPath(new URL('../proto/calculator/calculator.proto', import.meta.url));
const { calculator } = loadPackageDefinition(loadSync(proto, { longs: Number }));
const server = new Server();
server.addService(calculator.Calculator.service, {
  add: ({ request: { a, b } }, reply) => reply(null, { result: a + b }),
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`listening at 127.0.0.1:${port}\n`);
});
