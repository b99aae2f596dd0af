import type { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import type { Handlers } from '@rondo/rpc/server';
import { add } from './int64.js';

/** `calculator.Calculator`, kept for the clients that exist; what answers is what answers the versioned contract. */
export const publishedCalculator: Handlers<typeof CalculatorDefinition> = {
  add: ({ a, b }) => ({ result: add(a, b) }),
};
