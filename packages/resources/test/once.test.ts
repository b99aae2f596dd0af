/** Calls with idempotency keys whose handlers write to PostgreSQL: `@rondo/rpc` and `@rondo/database` joined as in a service. */

import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { CreateEntryRequest, KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import {
  createOutcomeStore,
  createPool,
  type Database,
  migrate,
  outcomesSchema,
  type Transaction,
} from '@rondo/database';
import { eventually, waitingForLocks } from '@rondo/database/testing';
import { currentWorkLimits, type Logger, silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, type Handlers, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork, createTestChannel, failureOf, standIn } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';

const postgres = filePostgres();
let database: Database;
let url: string;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  url = await postgres.createDatabase();
  database = postgres.pool({ url, maxConnections: 20 });
  const { name: part, migrations } = outcomesSchema;
  await migrate(database, { part, migrations });
  await database.query('CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY, text text NOT NULL)');
});
beforeEach(async () => void (await database.query('TRUNCATE entries, call_outcomes')));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type CreateEntry = Handlers<typeof KeyedServiceDefinition>['createEntry'];

/** A handler as a service has it: no line is about keys. */
const writes =
  (on: Database, work: (transaction: Transaction) => Promise<unknown> = async () => undefined): CreateEntry =>
  ({ text }) =>
    on.transaction(async (transaction) => {
      const entry = await add(transaction, text);
      await work(transaction);
      return entry;
    }, currentWorkLimits());

const add = (transaction: Transaction, text: string) =>
  transaction.one<{ id: bigint; text: string }>('INSERT INTO entries (text) VALUES ($1) RETURNING id, text', [text]);

const texts = async () => (await database.query<{ text: string }>('SELECT text FROM entries')).map(({ text }) => text);

const errors: string[] = [];
const logger: Logger = {
  ...silentLogger,
  error: (_, line) => void errors.push(line),
  child: () => logger,
};

/** A client of replicas with these handlers, which share the database. */
function clientOf(...handlers: readonly CreateEntry[]) {
  const network = createMemoryNetwork();
  const outcomes = createOutcomeStore(database);
  handlers.forEach((createEntry, at) => {
    const services = [standIn(KeyedServiceDefinition, { createEntry })];
    network.listen(`${at}`, createRouter({ services, outcomes, logger }));
  });
  const resolver = staticResolver(handlers.map((_, at) => `${at}`));
  const channel = createChannel({ resolver, transport: network.transport });
  closers.push(() => channel.close(), outcomes.close);
  return createClient(KeyedServiceDefinition, { channel });
}

const request = (text: string) => ({ text, requestId: randomUUID() });

describe('a call with an idempotency key', () => {
  it('has one effect and one answer if it arrives twelve times at once, at three replicas', async () => {
    const pools = [1, 2, 3].map(() => createPool({ url }));
    closers.push(...pools.map((pool) => () => pool.close()));
    const client = clientOf(...pools.map((pool) => writes(pool)));
    const raced = request('raced');
    const replies = await Promise.all(Array.from({ length: 12 }, () => client.createEntry(raced)));
    expect(await texts()).toEqual(['raced']);
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1);
  });

  it('gets the first answer although the entry has changed, and ALREADY_EXISTS for another request', async () => {
    const client = clientOf(writes(database));
    const first = request('first');
    const reply = await client.createEntry(first);
    await database.query(`UPDATE entries SET text = 'changed'`);
    expect(await client.createEntry(first)).toEqual(reply);
    const other = await failureOf(client.createEntry({ ...first, text: 'other' }));
    expect(other).toMatchObject({ code: Status.ALREADY_EXISTS });
    expect(await texts()).toEqual(['changed']);
  });

  it('is logged once at debug if it is a repetition, without an error', async () => {
    const lines: unknown[] = [];
    const log = (level: string) => (fields: object, text: string) => void lines.push([level, fields, text]);
    const logger = { ...silentLogger, debug: log('debug'), warn: log('warn'), error: log('error') };
    const services = [standIn(KeyedServiceDefinition, { createEntry: writes(database) })];
    const outcomes = createOutcomeStore(database);
    const channel = createTestChannel({ services, outcomes, logger: { ...logger, child: () => logger } });
    closers.push(() => channel.close(), outcomes.close);
    const client = createClient(KeyedServiceDefinition, { channel });
    const first = request('first');
    const reply = await client.createEntry(first);
    lines.length = 0;
    expect(await client.createEntry(first)).toEqual(reply);
    expect(lines).toEqual([['debug', {}, expect.stringContaining('a repetition')]]);
  });

  it('has an effect each time without a key', async () => {
    const services = [standIn(KeyedServiceDefinition, { createEntry: writes(database) })];
    const outcomes = createOutcomeStore(database);
    const router = createRouter({ services, outcomes });
    const network = createMemoryNetwork();
    // As the call of a client in another language, which makes no key.
    const message = CreateEntryRequest.encode(CreateEntryRequest.fromPartial({ text: 'twice' })).finish();
    network.listen('a', { handle: (call) => router.handle({ ...call, request: { stream: false, message } }) });
    const channel = createChannel({ resolver: staticResolver(['a']), transport: network.transport });
    closers.push(() => channel.close(), outcomes.close);
    const client = createClient(KeyedServiceDefinition, { channel });
    await client.createEntry({});
    await client.createEntry({});
    expect(await texts()).toEqual(['twice', 'twice']);
  });

  it('waits for a concurrent one, and does the work itself if that one is rolled back', async () => {
    let fail: () => void = () => undefined;
    const gate = new Promise<void>((_, reject) => {
      fail = () => reject(new RpcError(Status.NOT_FOUND, 'rolled back'));
    });
    let runs = 0;
    const client = clientOf(
      writes(database, async () => {
        runs += 1;
        if (runs === 1) await gate;
      }),
    );
    const raced = request('raced');
    const first = client.createEntry(raced).catch((error: unknown) => error instanceof RpcError && error.codeName);
    await eventually('the first call is in its transaction', async () => runs === 1);
    const second = client.createEntry(raced);
    await eventually('the second call waits', async () => (await waitingForLocks(database)) > 0);
    fail();
    const reply = await second;
    expect(reply).toMatchObject({ text: 'raced' });
    // A call that fails is answered as its repetition was, if that has committed by then.
    expect(['NOT_FOUND', reply]).toContainEqual(await first);
    expect([runs, await texts()]).toEqual([2, ['raced']]);
  });

  it('waits longer than a statement of its pool waits for a lock', async () => {
    let commit: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      commit = resolve;
    });
    const bounded = createPool({ url: url.replace(/lock_timeout=\d+/, 'lock_timeout=50') });
    closers.push(() => bounded.close());
    const raced = request('raced');
    let began = false;
    const first = clientOf(
      writes(database, () => {
        began = true;
        return gate;
      }),
    ).createEntry(raced);
    await eventually('the first call is in its transaction', async () => began);
    let runs = 0;
    const second = clientOf((message, call) => {
      runs += 1;
      return writes(bounded)(message, call);
    }).createEntry(raced);
    const waits = new Set<number>();
    await eventually('the second call has waited more often than a transaction is tried', async () => {
      const waiting = await database.query<{ at: Date }>(
        `SELECT query_start AS at FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      for (const { at } of waiting) waits.add(at.getTime());
      return waits.size > 6;
    });
    commit();
    expect(await second).toEqual(await first);
    expect(runs).toBe(1);
    expect(await texts()).toEqual(['raced']);
  });

  it('waits at most until its deadline', async () => {
    let commit: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let runs = 0;
    const client = clientOf(
      writes(database, () => {
        runs += 1;
        return gate;
      }),
    );
    const raced = request('raced');
    const first = client.createEntry(raced);
    await eventually('the first call is in its transaction', async () => runs === 1);
    const late = await failureOf(client.createEntry(raced, { timeoutMs: 200 }));
    expect(late).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    commit();
    expect(await first).toMatchObject({ text: 'raced' });
    expect(await texts()).toEqual(['raced']);
  });

  it('is answered although the repetition fails before its transaction, or after it', async () => {
    let fault: 'none' | 'before' | 'after' = 'none';
    const client = clientOf(async (message, call) => {
      if (fault === 'before') throw new RpcError(Status.NOT_FOUND, 'the product is deleted');
      const reply = await writes(database)(message, call);
      if (fault === 'after') throw new Error('a bug after the commit');
      return reply;
    });
    const first = request('first');
    const reply = await client.createEntry(first);
    fault = 'before';
    expect(await client.createEntry(first)).toEqual(reply);
    const unknown = await failureOf(client.createEntry(request('unknown')));
    expect(unknown).toMatchObject({ code: Status.NOT_FOUND, message: 'the product is deleted' });
    fault = 'after';
    expect(await client.createEntry(request('second'))).toMatchObject({ text: 'second' });
    expect(await texts()).toEqual(['first', 'second']);
  });

  it('keeps an error that the contract calls final, after its rollback', async () => {
    let code: Status = Status.FAILED_PRECONDITION;
    const client = clientOf(
      writes(database, async () => {
        if (code !== Status.OK) throw new RpcError(code, 'refused');
      }),
    );
    const [final, other] = [request('final'), request('other')];
    await failureOf(client.createEntry(final));
    code = Status.NOT_FOUND;
    await failureOf(client.createEntry(other));
    code = Status.OK;
    expect(await failureOf(client.createEntry(final))).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message: 'refused',
    });
    expect(await client.createEntry(other)).toMatchObject({ text: 'other' });
    expect(await texts()).toEqual(['other']);
  });
});

describe('a rolling upgrade', () => {
  const { createEntry: newer } = KeyedServiceDefinition.methods;
  /** The field in which generated definitions have the shape of a request. */
  const SHAPE_TAG = (50552 << 3) | 2;
  const shape = Buffer.from(JSON.stringify([{ 1: 'implicit', 20: 'key' }]));
  /** The method before its request had more than a text and the key. */
  const older = {
    ...newer,
    requestType: {
      ...CreateEntryRequest,
      decode(bytes: Uint8Array) {
        const { text, requestId } = CreateEntryRequest.decode(bytes);
        return CreateEntryRequest.fromPartial({ text, requestId });
      },
    },
    options: {
      ...newer.options,
      _unknownFields: { ...newer.options._unknownFields, [SHAPE_TAG]: [Buffer.from([shape.length, ...shape])] },
    },
  };

  it.each([
    [older, newer],
    [newer, older],
  ])('that adds fields with defaults gives a retry the first outcome (%#)', async (first, second) => {
    const replicaOf = (createEntry: typeof newer) => {
      const definition = { ...KeyedServiceDefinition, methods: { createEntry } };
      const outcomes = createOutcomeStore(database);
      const network = createMemoryNetwork();
      network.listen(
        'a',
        createRouter({ services: [implement(definition, { createEntry: writes(database) })], outcomes }),
      );
      const channel = createChannel({ resolver: staticResolver(['a']), transport: network.transport });
      closers.push(() => channel.close(), outcomes.close);
      return createClient(KeyedServiceDefinition, { channel });
    };
    const upgraded = {
      ...request('kept'),
      limit: 0,
      numbers: [1n, -2n],
      parts: [{ name: 'p' }],
      delay: { seconds: 3n },
    };
    const reply = await replicaOf(first).createEntry(upgraded);
    expect(await replicaOf(second).createEntry(upgraded)).toEqual(reply);
    const other = failureOf(replicaOf(second).createEntry({ ...upgraded, limit: 1 }));
    expect(await other).toMatchObject({ code: Status.ALREADY_EXISTS });
    expect(await texts()).toEqual(['kept']);
  });
});

describe('a handler of a method with idempotency keys', () => {
  const internal = async (handler: CreateEntry) => {
    errors.length = 0;
    const failure = await failureOf(clientOf(handler).createEntry(request('wrong')));
    expect(failure.code).toBe(Status.INTERNAL);
    expect(errors).toEqual(['the handler failed']);
  };

  it('fails if it writes in a second transaction; one that only reads is none', async () => {
    const reads = () =>
      database.transaction((one) => one.query('SELECT 1'), { ...currentWorkLimits(), readOnly: true });
    const client = clientOf(async (message, call) => {
      await reads();
      const reply = await writes(database)(message, call);
      await reads();
      return reply;
    });
    expect(await client.createEntry(request('right'))).toMatchObject({ text: 'right' });
    await internal(async (message, call) => {
      const reply = await writes(database)(message, call);
      await writes(database)(message, call);
      return reply;
    });
    expect(await texts()).toEqual(['right', 'wrong']);
  });

  it('fails if it answers without a transaction, or otherwise than its transaction', async () => {
    await internal(({ text }) => ({ text }));
    await internal(async (message, call) => ({ ...(await writes(database)(message, call)), text: 'otherwise' }));
  });

  it('writes nothing if its transaction returns no reply', async () => {
    await internal(async ({ text }) => {
      await database.transaction(async (transaction) => void (await add(transaction, text)), currentWorkLimits());
      return { text };
    });
    expect(await texts()).toEqual([]);
  });

  it('can call another service before its transaction, and not inside it', async () => {
    const channel: Channel = createTestChannel({
      services: [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })],
    });
    closers.push(() => channel.close());
    const adder = createClient(AdderServiceDefinition, { channel });
    await internal(writes(database, () => adder.add({ a: 1n, b: 2n })));
    expect(await texts()).toEqual([]);
    const client = clientOf(async (message, call) => {
      await adder.add({ a: 1n, b: 2n });
      return writes(database)(message, call);
    });
    expect(await client.createEntry(request('right'))).toMatchObject({ text: 'right' });
  });
});

describe('old outcomes', () => {
  it('are removed until none is left, also by several replicas at once; others stay', async () => {
    const store = createOutcomeStore(database);
    closers.push(store.close);
    const age = (caller: string, count: number, days: number) =>
      database.query(
        `INSERT INTO call_outcomes (key, method, caller, fingerprint, bytes, expire_time)
         SELECT gen_random_uuid()::text, '/s/M', $1, sha256('x'), '', now() + $3 * interval '1 day' FROM generate_series(1, $2)`,
        [caller, count, days],
      );
    await age('old', 3_500, -1);
    await age('new', 10, 1);
    await Promise.all([store.prune(), store.prune(), store.prune()]);
    // One that found what another had just removed has stopped: the next removes the rest.
    await store.prune();
    const left = await database.query<{ caller: string }>('SELECT caller FROM call_outcomes');
    expect(left.map(({ caller }) => caller)).toEqual(Array(10).fill('new'));
  });
});
