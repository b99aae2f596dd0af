import type { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import type { Handlers } from '@rondo/rpc/server';
import { calculator } from './calculator.js';

/** `calculator.Calculator`, kept for the clients that exist; what answers is the versioned contract's own handler. */
export const publishedCalculator: Handlers<typeof CalculatorDefinition> = { add: calculator.add };
