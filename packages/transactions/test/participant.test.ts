import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { AddRequest, AddResponse } from '@rondo/contracts/rondo/conformance/v1/adder';
import { BranchOutcome, ParticipantServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { invalidArgument, RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { createParticipant, operation } from '../src/exports/index.js';
import type { OperationContext } from '../src/participant/operation.js';
import { pack, unpack } from '../src/participant/operation.js';
import { BOOK, book, booked, NO_LIMIT, openBooks, TRUSTED } from './cluster.js';

const { BRANCH_OUTCOME_COMMITTED: COMMITTED, BRANCH_OUTCOME_ABORTED: ABORTED } = BranchOutcome;
const { BRANCH_OUTCOME_UNKNOWN: UNKNOWN } = BranchOutcome;

const postgres = filePostgres();
let database: Database;
let numbers = 0n;

beforeAll(async () => {
  database = await openBooks(postgres);
});

/** A replica of a participant; `during` runs in its operations before the booking. */
function replica({
  name = 'books',
  during,
}: {
  name?: string;
  during?: (context: OperationContext) => Promise<void>;
} = {}) {
  const committed: true[] = [];
  const audited: string[] = [];
  const broken = { audit: false };
  const { service, check } = createParticipant({
    database,
    name,
    coordinators: TRUSTED,
    log: silentLogger,
    onCommitted: () => committed.push(true),
    audit: {
      async record(_, event) {
        if (broken.audit) throw new Error('the audit is broken');
        audited.push(event.name);
      },
    },
    operations: [
      operation(BOOK, async (transaction, request, context) => {
        await during?.(context);
        return await book(transaction, request);
      }),
    ],
  });
  const client = createClient(ParticipantServiceDefinition, { channel: createTestChannel({ services: [service] }) });
  return { client, committed, audited, broken, check };
}

/** A promise and the function that resolves it. */
function signalling() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

/** A branch of a new transaction. */
function branch(b = 5n) {
  numbers += 1n;
  const a = numbers;
  const transaction = { coordinator: 'shop', id: `t-${a}` };
  return { a, transaction, operation: pack(AddRequest, { a, b }) };
}

/** A few at a time, so that none is late on a busy machine. */
async function inGroups<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<PromiseSettledResult<R>[]> {
  if (all.length === 0) return [];
  const settled = await Promise.allSettled(all.slice(0, 7).map(work));
  return [...settled, ...(await inGroups(all.slice(7), work))];
}

const refusal = { code: Status.ABORTED };
let books: ReturnType<typeof replica>;
beforeEach(() => {
  books = replica();
});

const inDoubt = async () => (await books.client.listInDoubt({ coordinator: 'shop' })).branches;

describe('a branch', () => {
  it('is in doubt once it is prepared, and stays committed after repeated commits', async () => {
    const { a, transaction, operation: what } = branch();
    const { result } = await books.client.prepare({ transaction, operation: what });
    expect(unpack(AddResponse, result, 'result')).toEqual({ result: 5n });
    expect(await booked(database, a)).toBeUndefined();
    expect(await inDoubt()).toEqual([{ transaction, prepareTime: expect.any(Date) }]);
    expect((await books.client.listInDoubt({ coordinator: 'others' })).branches).toEqual([]);
    expect((await replica({ name: 'other' }).client.listInDoubt({})).branches).toEqual([]);

    const ends = await Promise.all([1, 2, 3].map(() => books.client.commit({ transaction })));
    expect(ends).toEqual([{ outcome: COMMITTED }, { outcome: COMMITTED }, { outcome: COMMITTED }]);
    expect(books.committed).toHaveLength(1);
    expect([await booked(database, a), await inDoubt()]).toEqual([5n, []]);
    expect(await books.client.abort({ transaction })).toEqual({ outcome: COMMITTED });
    await expect(books.client.prepare({ transaction, operation: what })).rejects.toMatchObject(refusal);
    expect(await booked(database, a)).toBe(5n);
  });

  it('stays aborted after repeated aborts, and a late Prepare is refused', async () => {
    const { a, transaction, operation: what } = branch();
    await books.client.prepare({ transaction, operation: what });
    const ends = await Promise.all([1, 2, 3].map(() => books.client.abort({ transaction })));
    expect(ends).toEqual([{ outcome: ABORTED }, { outcome: ABORTED }, { outcome: ABORTED }]);
    expect(await books.client.commit({ transaction })).toEqual({ outcome: ABORTED });

    const late = branch();
    expect(await books.client.abort({ transaction: late.transaction })).toEqual({ outcome: ABORTED });
    for (const { transaction: ref, operation: again } of [late, { transaction, operation: what }]) {
      await expect(books.client.prepare({ transaction: ref, operation: again })).rejects.toMatchObject({
        ...refusal,
        message: expect.stringContaining('has ended here already'),
      });
    }
    expect([await booked(database, a), await booked(database, late.a), await inDoubt()]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  });

  it('that does not exist is reported as unknown', async () => {
    expect(await books.client.commit({ transaction: branch().transaction })).toEqual({ outcome: UNKNOWN });
  });

  it('is prepared once by concurrent Prepares at several replicas', async () => {
    const { a, transaction, operation: what } = branch();
    const replicas = [books, replica(), replica()];
    const votes = await Promise.allSettled(
      [...replicas, ...replicas].map(({ client }) => client.prepare({ transaction, operation: what })),
    );
    expect(votes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const vote of votes) if (vote.status === 'rejected') expect(vote.reason).toMatchObject(refusal);
    await books.client.commit({ transaction });
    expect(await booked(database, a)).toBe(5n);
  });

  it('that is being prepared here is stopped by an abort', async () => {
    const { transaction, operation: what } = branch();
    const begun = signalling();
    const slow = replica({
      during: ({ signal }) => {
        begun.resolve();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    const vote = slow.client.prepare({ transaction, operation: what }).catch((error: unknown) => error);
    await begun.promise;
    expect(await slow.client.abort({ transaction })).toEqual({ outcome: ABORTED });
    expect(await vote).toMatchObject({ ...refusal, message: expect.stringContaining('aborted while') });
    expect(await inDoubt()).toEqual([]);
  });

  it('that another replica is preparing is rolled back as soon as it is prepared', async () => {
    const { a, transaction, operation: what } = branch();
    const begun = signalling();
    const goOn = signalling();
    const slow = replica({
      during: () => {
        begun.resolve();
        return goOn.promise;
      },
    });
    const vote = slow.client.prepare({ transaction, operation: what });
    await begun.promise;
    const abort = books.client.abort({ transaction });
    // Not before that: an earlier reply would be false.
    expect(await Promise.race([abort, new Promise((resolve) => setTimeout(resolve, 100, 'waiting'))])).toBe('waiting');
    goOn.resolve();
    await vote;
    expect(await abort).toEqual({ outcome: ABORTED });
    expect([await booked(database, a), await inDoubt()]).toEqual([undefined, []]);
  });

  it('that is refused leaves nothing, and the caller gets the error unchanged', async () => {
    const { a, transaction, operation: what } = branch(-1n);
    const message = `${a}: -1 is less than nothing`;
    await expect(books.client.prepare({ transaction, operation: what })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message,
    });
    const detailed = replica({ during: () => Promise.reject(invalidArgument([{ field: 'b', description: 'bad' }])) });
    const vote = detailed.client.prepare(branch()).catch((error: unknown) => error);
    expect(await vote).toMatchObject({ code: Status.INVALID_ARGUMENT });
    const error = await vote;
    expect(error instanceof RpcError && error.detail(BadRequest)?.fieldViolations).toMatchObject([{ field: 'b' }]);
    expect(await inDoubt()).toEqual([]);
    // A refused branch may be prepared again.
    await books.client.prepare({ transaction, operation: pack(AddRequest, { a, b: 1n }) });
    await books.client.abort({ transaction });
  });

  it('is not committed by an operator without a trace in the audit', async () => {
    const { transaction, operation: what } = branch();
    await books.client.prepare({ transaction, operation: what });
    books.broken.audit = true;
    await expect(books.client.commit({ transaction, heuristic: true })).rejects.toMatchObject({
      code: Status.INTERNAL,
    });
    books.broken.audit = false;
    expect(await inDoubt()).toHaveLength(1);
    expect(await books.client.commit({ transaction, heuristic: true })).toEqual({ outcome: COMMITTED });
    expect(books.audited).toContain(`transactions/${transaction.id}`);
  });

  it("that an operator ended is marked so, and ignores the coordinator's later decision", async () => {
    const [one, two] = [branch(), branch()];
    for (const { transaction, operation: what } of [one, two]) {
      await books.client.prepare({ transaction, operation: what });
    }
    await books.client.commit({ transaction: one.transaction, heuristic: true });
    await books.client.abort({ transaction: two.transaction, heuristic: true });
    expect(await books.client.abort({ transaction: one.transaction })).toEqual({ outcome: COMMITTED });
    expect(await books.client.commit({ transaction: two.transaction })).toEqual({ outcome: ABORTED });
    const ended = await database.query(
      `SELECT outcome FROM transaction_branches WHERE heuristic AND gid IN ($1, $2) ORDER BY outcome`,
      [`rondo:shop:${one.transaction.id}:books`, `rondo:shop:${two.transaction.id}:books`],
    );
    expect(ended).toEqual([{ outcome: 'aborted' }, { outcome: 'committed' }]);
    expect(books.audited).toEqual([one, two].map(({ transaction: { id } }) => `transactions/${id}`));
  });
});

describe('a participant', () => {
  it('reports every fault of a request', async () => {
    const bad = books.client.prepare({ transaction: { coordinator: 'a:b', id: '' }, operation: branch().operation });
    const error = await bad.catch((reason: unknown) => reason);
    expect(error instanceof RpcError && error.detail(BadRequest)?.fieldViolations).toMatchObject([
      { field: 'transaction.coordinator' },
      { field: 'transaction.id' },
    ]);
    const { transaction } = branch();
    await expect(
      books.client.prepare({ transaction, operation: pack(AddResponse, { result: 1n }) }),
    ).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message: expect.stringContaining('must have the type of an operation (rondo.conformance.v1.AddRequest)'),
    });
    const options = { database, coordinators: TRUSTED, log: silentLogger, operations: [] };
    expect(() => createParticipant({ ...options, name: 'a:b' })).toThrow('"a:b" can\'t name a participant');
  });

  it('refuses branches beyond the limit of prepared transactions, and accepts them again later', async () => {
    await books.check(NO_LIMIT);
    const branches = Array.from({ length: 60 }, () => branch());
    const votes = await inGroups(branches, (one) => books.client.prepare(one));
    const refused = votes.flatMap((vote) => (vote.status === 'rejected' ? [vote.reason] : []));
    // One coordinator may have half of the server's 64; branches that are being prepared count, too.
    expect(await inDoubt()).toHaveLength(60 - refused.length);
    expect(refused.length).toBeGreaterThanOrEqual(60 - 32);
    for (const reason of refused) {
      const message = expect.stringContaining('transactions of the coordinator "shop" are prepared and not ended');
      expect(reason).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, message });
    }
    const aborted = await inGroups(branches, ({ transaction }) => books.client.abort({ transaction }));
    expect(aborted.filter(({ status }) => status === 'rejected')).toEqual([]);
    const after = branch();
    await books.client.prepare(after);
    await books.client.abort(after);
    expect(await inDoubt()).toEqual([]);
  });
});
