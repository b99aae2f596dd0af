import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { PartsDefinition, UNREAD } from './batch/contract.js';
import { createBatches } from './batch/evaluate-batch.js';
import { createCalculator } from './calculator.js';
import { publishedCalculator } from './published-calculator.js';

/** Wires the calculator: two contracts over one set of functions, no state, nothing to wait for. */
export function createApp({
  channel,
  instanceId,
  clock,
}: Pick<ServiceContext, 'channel' | 'instanceId' | 'clock'>): App {
  const calculators = createClient(PartsDefinition, { channel });
  const batches = createBatches({ calculators, instanceId, clock });
  return {
    services: [
      implement(CalculatorServiceDefinition, createCalculator(batches), { unread: UNREAD }),
      implement(CalculatorDefinition, publishedCalculator),
    ],
  };
}
