// nice-grpc as in its README: the definition that ts-proto generates, async functions and async generators.
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createServer, ServerError, Status } from 'nice-grpc';
import { countTo, createTally, echo } from '../answers.mjs';

export async function serve() {
  const server = createServer();
  const methods = { unary, serverStream, clientStream, bidiStream };
  server.add(ConformanceServiceDefinition, {
    ...methods,
    unaryUnsafe: missing,
    follow: missing,
    unimplemented: missing,
  });
  return `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
}

const unary = async (request) => echo(request);

async function* serverStream({ count }) {
  yield* countTo(count);
}

async function clientStream(requests) {
  const tally = createTally();
  for await (const request of requests) tally.take(request);
  return tally.reply();
}

async function* bidiStream(requests) {
  for await (const { text } of requests) yield { text };
}

/** nice-grpc wants a handler for each method of the contract. */
const missing = async () => {
  throw new ServerError(Status.UNIMPLEMENTED, 'no workload calls it');
};
