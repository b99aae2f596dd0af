import type { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import type { Handlers } from '@rondo/rpc/server';
import { add } from './int64.js';

/**
 * The handlers of `calculator.Calculator`, which is kept for existing clients. They use the same functions as the
 * versioned contract.
 */
export const publishedCalculator: Handlers<typeof CalculatorDefinition> = {
  add: ({ a, b }) => ({ result: add(a, b) }),
};
