import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createBatches, PartsDefinition, RAW_METHODS } from './batch/evaluate-batch.js';
import { createCalculator } from './calculator.js';
import { publishedCalculator } from './published-calculator.js';

/** Creates the service: two contracts over one set of functions. It keeps no state and has no dependencies. */
export function createApp({
  channel,
  instanceId,
  clock,
}: Pick<ServiceContext, 'channel' | 'instanceId' | 'clock'>): App {
  const calculators = createClient(PartsDefinition, { channel });
  const batches = createBatches({ calculators, instanceId, clock });
  return {
    services: [
      implement(CalculatorServiceDefinition, createCalculator(batches), { raw: RAW_METHODS }),
      implement(CalculatorDefinition, publishedCalculator),
    ],
    // Its contract imports nothing, so that clients of other languages need that one file.
    auth: { [CalculatorDefinition.fullName]: 'public' },
  };
}
