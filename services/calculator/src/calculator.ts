import type { CalculatorServiceDefinition, SumRequest } from '@rondo/contracts/calculator/v1/calculator';
import type { Handlers } from '@rondo/rpc/server';
import type { Batches, RawMethod } from './batch/evaluate-batch.js';
import { evaluateRequest } from './evaluate-request.js';
import { add, divide, multiply, subtract, sum } from './int64.js';

/** The handlers of `calculator.v1.CalculatorService`. */
export const createCalculator = ({
  evaluateBatch,
  evaluatePart,
}: Batches): Handlers<typeof CalculatorServiceDefinition, RawMethod> => ({
  add: ({ a, b }) => ({ result: add(a, b) }),
  subtract: ({ a, b }) => ({ result: subtract(a, b) }),
  multiply: ({ a, b }) => ({ result: multiply(a, b) }),
  divide: ({ a, b }) => divide(a, b),
  evaluate: (request) => ({ result: { value: evaluateRequest(request) } }),
  evaluateBatch,
  evaluatePart,
  sum: (requests) => sum(valuesOf(requests)),
});

async function* valuesOf(requests: AsyncIterable<SumRequest>): AsyncGenerator<bigint, void> {
  for await (const { value } of requests) yield value;
}
