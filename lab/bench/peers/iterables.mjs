// For contenders whose streams are async iterables.
import { countTo, createTally, echo } from './answers.mjs';

/** The contract's handlers. */
export const HANDLERS = { unary, serverStream, clientStream, bidiStream };

async function unary(request) {
  return echo(request);
}

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

/** What `connect` of a contender returns, for a client with a method by each key of {@link HANDLERS}. */
export const callsOf = (client) => ({
  payloads: 'bytes',
  unary: (request) => client.unary(request),
  serverStream: (request, onReply) => forEach(client.serverStream(request), onReply),
  clientStream: (requests) => client.clientStream(toAsync(requests)),
  bidiStream: (requests, onReply) => forEach(client.bidiStream(requests), onReply),
});

async function* toAsync(values) {
  yield* values;
}

async function forEach(messages, onReply) {
  for await (const message of messages) onReply(message);
}
