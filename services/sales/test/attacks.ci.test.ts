import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { LockTimeout } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { RpcError, type StatusName } from '@rondo/rpc/status';
import { addCustomer, addProduct, addQuote, testCompany } from './company.js';

/** More than the service has connections. */
const MANY = 40;
const REQUEST_ID = randomUUID();

const company = testCompany();
let customer: string;
let product: string;
let quote: string;
let order: string;
beforeAll(async () => {
  customer = await addCustomer(company);
  ({ name: product } = await addProduct(company, { stock: 100_000n }));
  ({ name: quote } = await addQuote(company, customer, { product, quantity: 1n }));
  ({ name: order } = await place());
});

type Calls = () => readonly Promise<unknown>[];
type Attack = readonly [name: string, calls: Calls, codes: readonly StatusName[]];

const many =
  (call: (index: number) => Promise<unknown>, count = MANY): Calls =>
  () =>
    Array.from({ length: count }, (_, index) => call(index));

/** Calls that are cancelled as soon as they are sent. */
const cancelled = (call: (signal: AbortSignal) => Promise<unknown>): Calls =>
  many(() => {
    const controller = new AbortController();
    const outcome = call(controller.signal);
    setImmediate(() => controller.abort());
    return outcome;
  });

interface OrderOptions {
  readonly lines?: number;
  readonly requestId?: string;
  readonly of?: string;
}

function place({ lines = 1, requestId = '', of = product }: OrderOptions = {}, options = {}) {
  const line = { product: of, quantity: 1n };
  return company.orders.placeOrder({ order: { customer, lines: Array(lines).fill(line) }, requestId }, options);
}

async function firstOf(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) return;
}
const watch = (resumeToken = '') => firstOf(company.orders.watchOrders({ resumeToken }));

/** The statuses of calls that are refused under load. */
const BUSY: readonly StatusName[] = ['ABORTED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'];

const AS_AN_OPERATOR: readonly Attack[] = [
  [
    'resolutions of unknown transactions',
    many((index) =>
      company.transactions.resolveTransaction({ id: `t${index}`, outcome: BranchOutcome.BRANCH_OUTCOME_ABORTED }),
    ),
    ['NOT_FOUND', ...BUSY],
  ],
  [
    'inquiries about unknown transactions',
    many((index) =>
      company.transactions.inquireTransaction({ transaction: { coordinator: 'sales', id: `t${index}` }, services: [] }),
    ),
    BUSY,
  ],
  ['retries of unknown sagas', many((index) => company.transactions.retrySaga({ id: `s${index}` })), ['NOT_FOUND']],
  ['lists of unfinished transactions', many(() => company.transactions.listTransactions({})), BUSY],
];

const AS_A_BUYER: readonly Attack[] = [
  ['many orders of one product', many(() => place()), BUSY],
  ['many concurrent orders with one request id', many(() => place({ requestId: REQUEST_ID })), BUSY],
  ['an order with too many lines', () => [place({ lines: 101 })], ['INVALID_ARGUMENT']],
  [
    'orders of unknown products',
    many((index) => place({ of: `products/p${index}` })),
    ['NOT_FOUND', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION', ...BUSY],
  ],
  ['cancelled orders', cancelled((signal) => place({}, { signal })), ['CANCELLED']],
  [
    'orders with a deadline of a millisecond',
    many(() => place({}, { timeoutMs: 1 })),
    ['DEADLINE_EXCEEDED', 'UNAVAILABLE'],
  ],
  [
    'many acceptances of one quote',
    many(() => company.quotes.acceptQuote({ name: quote }), 20),
    ['FAILED_PRECONDITION', ...BUSY],
  ],
  [
    'cancelled acceptances',
    cancelled((signal) => company.quotes.acceptQuote({ name: quote }, { signal })),
    ['CANCELLED', ...BUSY],
  ],
  ['many cancellations of one order', many(() => company.orders.cancelOrder({ name: order })), BUSY],
  [
    'many changes of one stock',
    many((index) => company.products.adjustStock({ name: product, delta: BigInt(1 + index) })),
    BUSY,
  ],
  [
    'lists with a large page size',
    many(() => company.orders.listOrders({ pageSize: 1_000 })),
    ['INVALID_ARGUMENT', 'RESOURCE_EXHAUSTED', ...BUSY],
  ],
  ['watches that are abandoned', many(() => watch(), 40), []],
  ['watches with invalid tokens', () => [watch('x'), watch('A'.repeat(9_000))], ['INVALID_ARGUMENT']],
];

/** Whether nothing is prepared or undecided, no connection is in a transaction, and every row can be locked at once. */
async function isFree(): Promise<boolean> {
  const { prepared, undecided, kept } = await company.database.one<{
    prepared: number;
    undecided: number;
    kept: number;
  }>(`
    SELECT (SELECT count(*)::int FROM pg_prepared_xacts) AS prepared,
      (SELECT count(*)::int FROM transaction_log WHERE state NOT IN ('committed', 'aborted')) AS undecided,
      (SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'sales' AND xact_start IS NOT NULL) AS kept`);
  if (prepared + undecided + kept > 0) return false;
  const lock = company.database.transaction(async (transaction) => {
    for (const table of ['customers', 'products', 'quotes', 'orders', 'transaction_log']) {
      await transaction.query(`SELECT FROM ${table} FOR UPDATE NOWAIT`);
    }
    return true;
  });
  return lock.catch((error: unknown) => {
    if (error instanceof LockTimeout) return false;
    throw error;
  });
}

describe('an attacker who knows the code', () => {
  it.each([...AS_AN_OPERATOR, ...AS_A_BUYER])('does not block other callers with %s', async (_name, calls, codes) => {
    const outcomes = await Promise.allSettled(calls());
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    const unexpected = failed.filter((error) => !(error instanceof RpcError && codes.includes(error.codeName)));
    expect(unexpected.map(String)).toEqual([]);
    await eventually('nothing is locked or undecided, and no connection is held', isFree);
    const theirs = await addProduct(company, { stock: 1n });
    await expect(place({ of: theirs.name })).resolves.toMatchObject({ name: expect.any(String) });
  });
});
