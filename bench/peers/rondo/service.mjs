import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { standIn } from '@rondo/rpc/testing';
import { countTo, createTally, echo } from '../answers.mjs';

/** The contract's handlers, as a service of Rondo has them. */
export const conformance = standIn(ConformanceServiceDefinition, {
  unary: (request) => echo(request),
  async *serverStream({ count }) {
    yield* countTo(count);
  },
  async clientStream(requests) {
    const tally = createTally();
    for await (const request of requests) tally.take(request);
    return tally.reply();
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text };
  },
});
