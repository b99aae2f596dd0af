import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { implement } from '@rondo/rpc/server';
import type { App } from '@rondo/service';
import { calculator } from './calculator.js';
import { publishedCalculator } from './published-calculator.js';

/** Wires the calculator: two contracts over one set of handlers, no state, nothing to wait for. */
export function createApp(): App {
  return {
    services: [
      implement(CalculatorServiceDefinition, calculator),
      implement(CalculatorDefinition, publishedCalculator),
    ],
  };
}
