import { expect, it } from '@jest/globals';
import { OrderServiceDefinition, OrderState } from '@rondo/contracts/sales/v1/orders';
import { days } from '@rondo/jobs';
import { testRun } from '@rondo/jobs/testing';
import { waitFor } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import { awaitPayment } from '../src/await-payment.js';
import { cancel } from '../src/cancel-order.js';
import { addCustomer, addProduct, testCompany } from './company.js';

const method = OrderServiceDefinition.methods.awaitPayment;

const company = testCompany();

async function place() {
  const [customer, { name: product }] = [await addCustomer(company), await addProduct(company)];
  return (await company.orders.placeOrder({ order: { customer, lines: [{ product, quantity: 1n }] } })).name;
}

it('an order that is paid stays, and its operation ends with the payment', async () => {
  const { orders, channel } = company;
  const name = await place();
  const operation = await orders.awaitPayment({ name });
  expect(operation.done).toBe(false);
  await orders.recordPayment({ operation: operation.name, payment: { reference: 'B-17' } });
  expect(await waitFor(method, operation, { channel })).toEqual({ reference: 'B-17' });
  expect((await orders.getOrder({ name })).state).toBe(OrderState.ORDER_STATE_PLACED);
  const again = orders.recordPayment({ operation: operation.name, payment: { reference: 'B-18' } });
  await expect(again).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION });
});

it('an order that isn’t paid within two weeks is cancelled, also after a crash', async () => {
  const clock = new ManualClock();
  const name = await place();
  const unpaid = awaitPayment((tx, order) => cancel({ enqueue: async () => undefined }, tx, { name: order }));
  const run = testRun(unpaid, { name }, { clock, transaction: (work) => company.database.transaction(work) });
  await run.idle();
  await clock.advance(days(13));
  run.crash();
  await run.idle();
  expect((await company.orders.getOrder({ name })).state).toBe(OrderState.ORDER_STATE_PLACED);
  await clock.advance(days(1));
  await expect(run.outcome).rejects.toThrow(`${name} was not paid within 14 days, and is cancelled`);
  expect((await company.orders.getOrder({ name })).state).toBe(OrderState.ORDER_STATE_CANCELLED);
});
