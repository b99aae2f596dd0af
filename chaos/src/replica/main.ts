/** A replica with a method that is safe to repeat and one that isn't. It writes each change that it carries out to a file. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { createMemoryOutcomes } from '@rondo/rpc/internal/testing';
import { standIn } from '@rondo/rpc/testing';
import { runService, text, variable } from '@rondo/service';

/** Long enough for several to be under way at any time that the process ends. */
const WORK_MS = 40;

const variables = {
  ledger: variable('RONDO_CHAOS_LEDGER', text, {
    description: 'Where changes are written down.',
    example: '/tmp/ledger',
  }),
} as const;

await runService({
  name: 'replica',
  port: 0,
  variables,
  createApp: (_context, { ledger }) => ({
    // For the methods with idempotency keys, which are not called here.
    outcomes: createMemoryOutcomes(),
    services: [
      standIn(CalculatorServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) }),
      standIn(ProductServiceDefinition, {
        async updateProduct({ product }) {
          const sku = product?.sku ?? '';
          appendFileSync(ledger, `${sku}\n`);
          await delay(WORK_MS);
          return { name: `products/${sku}` };
        },
      }),
    ],
  }),
});
