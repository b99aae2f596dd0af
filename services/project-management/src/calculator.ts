import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { type Channel, createClient } from '@rondo/rpc/client';

/** Adds up numbers exactly. */
export interface Calculator {
  sum(values: readonly bigint[]): Promise<bigint>;
}

/**
 * A client of the calculator. It rejects with the errors of the RPC client, so if the calculator can't be reached, the
 * caller of this service gets `UNAVAILABLE` too.
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
