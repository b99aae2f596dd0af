import { CalculatorServiceDefinition, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { type Channel, createClient } from '@rondo/rpc/client';
import type { Calculator } from '../domain/ports.js';
import { ask } from './peers.js';

/** The calculator service. */
export function createCalculator(channel: Channel): Calculator {
  const client = createClient(CalculatorServiceDefinition, { channel });
  return {
    async evaluate(expression, scale) {
      const request = { expression, scale, rounding: RoundingMode.ROUNDING_MODE_HALF_EVEN };
      const { result } = await ask('the calculator', client.evaluate(request));
      return result?.value ?? '';
    },
  };
}
