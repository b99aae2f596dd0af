import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { type Channel, createClient } from '@rondo/rpc/client';
import type { Calculator } from '../domain/ports.js';

/**
 * The calculator, found through `channel`. It fails with the client's errors: one that can't be reached is our caller's
 * `UNAVAILABLE` too.
 */
export function createCalculator(channel: Channel): Calculator {
  const calculator = createClient(CalculatorServiceDefinition, { channel });
  return {
    async sum(values) {
      const { result } = await calculator.sum(requestsOf(values));
      return result;
    },
  };
}

async function* requestsOf(values: readonly bigint[]): AsyncGenerator<{ value: bigint }> {
  for (const value of values) yield { value };
}
