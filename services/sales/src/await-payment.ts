import { OrderServiceDefinition, Payment, type RecordPaymentRequest } from '@rondo/contracts/sales/v1/orders';
import type { Queries } from '@rondo/database';
import { days, type Jobs, RunFailed, workflow } from '@rondo/jobs';
import type { SalesMethods } from './context.js';

/** `AwaitPayment`: it waits two weeks for the payment, then cancels the order. */
export const awaitPayment = (cancel: (tx: Queries, name: string) => Promise<unknown>) =>
  workflow(OrderServiceDefinition.methods.awaitPayment, async ({ name }, run) => {
    const payment = await run.wait('payment', Payment, { for: days(14) });
    if (payment !== undefined) return payment;
    await run.transaction('cancel', async (tx) => void (await cancel(tx, name)));
    throw new RunFailed(`${name} was not paid within 14 days, and is cancelled`);
  });

/** `RecordPayment`: it sends the signal for which an order waits. */
export const recordPayment =
  ({ database, jobs }: Pick<SalesMethods, 'database'> & { readonly jobs: Pick<Jobs, 'runs' | 'nudge'> }) =>
  async ({ operation: run, payment }: RecordPaymentRequest) => {
    const recorded = await database.transaction(async (tx) => {
      await jobs.runs.signal(tx, { run, name: 'payment', type: Payment, message: { ...payment } });
      return {}; // what the transaction returns is stored as the outcome of the call
    });
    jobs.nudge();
    return recorded;
  };
