// nice-grpc as in its README: the definition that ts-proto generates, async functions and async generators.
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createServer, ServerError, Status } from 'nice-grpc';
import { HANDLERS } from '../iterables.mjs';

export async function serve() {
  const server = createServer();
  server.add(ConformanceServiceDefinition, {
    ...HANDLERS,
    unaryUnsafe: missing,
    follow: missing,
    unimplemented: missing,
  });
  return `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
}

/** nice-grpc wants a handler for each method of the contract. */
const missing = async () => {
  throw new ServerError(Status.UNIMPLEMENTED, 'no workload calls it');
};
