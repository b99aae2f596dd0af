/** A calculator whose `Subtract` isn't safe to repeat: it writes each call that it carries out to a file. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { standIn } from '@rondo/rpc/testing';
import { runService, text, variable } from '@rondo/service';

/** Long enough for several to be under way at any time that the process ends. */
const WORK_MS = 40;

const variables = {
  ledger: variable('CHAOS_LEDGER', text, {
    description: 'Where changes are written down.',
    example: '/tmp/ledger',
  }),
} as const;

await runService({
  name: 'replica',
  port: 0,
  variables,
  createApp: (_context, { ledger }) => ({
    services: [
      standIn(CalculatorServiceDefinition, {
        add: ({ a, b }) => ({ result: a + b }),
        // The caller and its call.
        async subtract({ a, b }) {
          appendFileSync(ledger, `${a}-${b}\n`);
          await delay(WORK_MS);
          return { result: a - b };
        },
      }),
    ],
  }),
});
