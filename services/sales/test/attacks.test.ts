import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createPool, type Database, LockTimeout } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { RpcError, type StatusName } from '@rondo/rpc/status';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';

/** More than the service has connections. */
const MANY = 80;
const REQUEST_ID = randomUUID();

let company: Company;
let admin: Database;
let customer: string;
let product: string;
let quote: string;
let order: string;
beforeAll(async () => {
  company = await startCompany();
  admin = createPool({ url: company.databaseUrl, maxConnections: 1 });
  customer = await addCustomer(company);
  ({ name: product } = await addProduct(company, { stock: 100_000n }));
  ({ name: quote } = await addQuote(company, customer, { product, quantity: 1n }));
  ({ name: order } = await place());
});
afterAll(async () => {
  await admin.close();
  await company.stop();
});

type Calls = () => readonly Promise<unknown>[];
type Attack = readonly [name: string, calls: Calls, codes: readonly StatusName[]];

const many =
  (call: (index: number) => Promise<unknown>, count = MANY): Calls =>
  () =>
    Array.from({ length: count }, (_, index) => call(index));

/** Calls that their callers leave as soon as they are sent. */
const left = (call: (signal: AbortSignal) => Promise<unknown>): Calls =>
  many(() => {
    const leaving = new AbortController();
    const outcome = call(leaving.signal);
    setImmediate(() => leaving.abort());
    return outcome;
  });

interface Wish {
  readonly lines?: number;
  readonly requestId?: string;
  readonly of?: string;
}

function place({ lines = 1, requestId = '', of = product }: Wish = {}, options = {}) {
  const line = { product: of, quantity: 1n };
  return company.orders.placeOrder({ order: { customer, lines: Array(lines).fill(line) }, requestId }, options);
}

async function firstOf(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) return;
}
const watch = (resumeToken = '') => firstOf(company.orders.watchOrders({ resumeToken }));

/** Too much at once may be refused: for now. */
const BUSY: readonly StatusName[] = ['ABORTED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'];

const AS_AN_OPERATOR: readonly Attack[] = [
  [
    'ends of transactions that there are not',
    many((index) =>
      company.transactions.resolveTransaction({ id: `t${index}`, outcome: BranchOutcome.BRANCH_OUTCOME_ABORTED }),
    ),
    ['NOT_FOUND', ...BUSY],
  ],
  [
    'questions about transactions that there are not',
    many((index) =>
      company.transactions.inquireTransaction({ transaction: { coordinator: 'sales', id: `t${index}` }, services: [] }),
    ),
    BUSY,
  ],
  [
    'a question about a transaction of another coordinator',
    () => [company.transactions.inquireTransaction({ transaction: { coordinator: 'evil', id: 't1' } })],
    ['FAILED_PRECONDITION'],
  ],
  [
    'retries of sagas that there are not',
    many((index) => company.transactions.retrySaga({ id: `s${index}` })),
    ['NOT_FOUND'],
  ],
  ['lists of what is unfinished', many(() => company.transactions.listTransactions({})), BUSY],
];

const AS_A_BUYER: readonly Attack[] = [
  ['orders of one product by many', many(() => place()), BUSY],
  ['one order with one request id, many times at once', many(() => place({ requestId: REQUEST_ID })), BUSY],
  ['an order of more lines than there may be', () => [place({ lines: 101 })], ['INVALID_ARGUMENT']],
  [
    'orders of products that there are not',
    many((index) => place({ of: `products/p${index}` })),
    ['NOT_FOUND', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION', ...BUSY],
  ],
  ['orders whose callers leave', left((signal) => place({}, { signal })), ['CANCELLED']],
  ['orders that have no time', many(() => place({}, { timeoutMs: 1 })), ['DEADLINE_EXCEEDED', 'UNAVAILABLE']],
  [
    'one quote that many accept',
    many(() => company.quotes.acceptQuote({ name: quote }), 20),
    ['FAILED_PRECONDITION', ...BUSY],
  ],
  [
    'an acceptance whose callers leave',
    left((signal) => company.quotes.acceptQuote({ name: quote }, { signal })),
    ['CANCELLED', ...BUSY],
  ],
  ['one order that many cancel', many(() => company.orders.cancelOrder({ name: order })), BUSY],
  [
    'stock that many change',
    many((index) => company.products.adjustStock({ name: product, delta: BigInt(1 + index) })),
    BUSY,
  ],
  [
    'lists as long as may be',
    many(() => company.orders.listOrders({ pageSize: 1_000 })),
    ['INVALID_ARGUMENT', ...BUSY],
  ],
  ['watches that are left in the middle', many(() => watch(), 40), []],
  ['watches with tokens that are none', () => [watch('x'), watch('A'.repeat(9_000))], ['INVALID_ARGUMENT']],
];

/** Nothing is prepared or undecided, no connection is kept, and every row can be locked at once. */
async function isFree(): Promise<boolean> {
  const { prepared, undecided, kept } = await admin.one<{ prepared: number; undecided: number; kept: number }>(`
    SELECT (SELECT count(*)::int FROM pg_prepared_xacts) AS prepared,
      (SELECT count(*)::int FROM transaction_log WHERE state NOT IN ('committed', 'aborted')) AS undecided,
      (SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'sales' AND xact_start IS NOT NULL) AS kept`);
  if (prepared + undecided + kept > 0) return false;
  const lock = admin.transaction(async (transaction) => {
    for (const table of ['customers', 'products', 'quotes', 'orders', 'requests', 'transaction_log']) {
      await transaction.query(`SELECT FROM ${table} FOR UPDATE NOWAIT`);
    }
    return true;
  });
  return lock.catch((error: unknown) => {
    if (error instanceof LockTimeout) return false;
    throw error;
  });
}

describe('a caller who has read the code', () => {
  it.each([...AS_AN_OPERATOR, ...AS_A_BUYER])('keeps nothing from others by %s', async (_name, calls, codes) => {
    const outcomes = await Promise.allSettled(calls());
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    const unexpected = failed.filter((error) => !(error instanceof RpcError && codes.includes(error.codeName)));
    expect(unexpected.map(String)).toEqual([]);
    await eventually('nothing is locked, undecided or kept', isFree);
    const theirs = await addProduct(company, { stock: 1n });
    await expect(place({ of: theirs.name })).resolves.toMatchObject({ name: expect.any(String) });
  });
});
