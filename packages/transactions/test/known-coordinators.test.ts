import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CalculatorRequest } from '@rondo/contracts/calculator/calculator';
import { ParticipantServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Database } from '@rondo/database';
import { eventually, startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { type Client, createClient } from '@rondo/rpc/client';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import { logAborting, logCommitting, logPreparing } from '../src/coordinator/log.js';
import { createOperatorService, createParticipant, knownCoordinators, operation } from '../src/index.js';
import { pack } from '../src/participant/operation.js';
import { BOOK, book, booked, createNetwork, openBooks, serviceOf, startCoordinator } from './cluster.js';

const SLOTS = 64;
const ROUND_MS = 1_000;

let postgres: TestPostgres;
let home: Database;
let away: Database;
let numbers = 0n;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

beforeEach(async () => {
  [home, away] = await Promise.all([openBooks(postgres), openBooks(postgres)]);
});
afterEach(async () => {
  await Promise.all((await away.listPrepared('')).map(({ gid }) => away.rollbackPrepared(gid)));
  await Promise.all([home.close(), away.close()]);
});

/** Books, a participant that knows the coordinator "home" and is asked over the network, as its coordinator is. */
function startBooks({ coordinators = { home: serviceOf('home') }, log = silentLogger }: Options = {}) {
  const { network, channel } = createNetwork();
  const clock = new ManualClock();
  const { coordinator } = startCoordinator(channel, 'home', home);
  const listening = network.listen(
    serviceOf('home'),
    createRouter({ services: [createOperatorService({ coordinator })] }),
  );
  const participant = createParticipant({
    database: away,
    name: 'books',
    coordinators: knownCoordinators({ channel, coordinators, services: [serviceOf('books')] }),
    log,
    clock,
    operations: [operation(BOOK, book)],
  });
  network.listen(serviceOf('books'), createRouter({ services: [participant.service] }));
  const client = createClient(ParticipantServiceDefinition, { channel, at: serviceOf('books') });
  return {
    client,
    participant,
    clock,
    /** Has the coordinator be away. */
    leave: () => listening.close(),
    async stop() {
      await participant.close();
      channel.close();
    },
  };
}

interface Options {
  readonly coordinators?: Record<string, string>;
  readonly log?: Logger;
}

/** A Prepare of an operation that books; its transaction has the id that is given. */
function prepare(client: Client<typeof ParticipantServiceDefinition>, id: string, coordinator = 'home') {
  numbers += 1n;
  const request = { transaction: { coordinator, id }, operation: pack(CalculatorRequest, { a: numbers, b: 1n }) };
  return client.prepare(request);
}

const failureOf = async (call: Promise<unknown>): Promise<RpcError> => {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof RpcError) return failure;
  throw new Error(`it did not fail as an RpcError: ${failure}`);
};

/** Begins a transaction in the coordinator's log, as a run of it does. */
const begin = (id: string, services = [serviceOf('books')]) =>
  logPreparing(home, { id, coordinator: 'home', kind: 'book', subject: id, services, timeoutMs: 60_000 }, {});

const prepared = async () => (await away.listPrepared('rondo:')).map(({ gid }) => gid);
const noted = async () => (await away.query('SELECT gid FROM transaction_branches')).length;

describe('a Prepare', () => {
  it('is refused for a coordinator that nobody configured, before anything is asked or locked', async () => {
    const { client, stop } = startBooks();
    const failure = await failureOf(prepare(client, 't1', 'nobody'));
    expect(failure).toMatchObject({
      code: Status.PERMISSION_DENIED,
      message: expect.stringContaining(
        'transaction.coordinator: must be one that this participant knows (home); it is "nobody". Name it in the configuration',
      ),
    });
    expect([await prepared(), await noted()]).toEqual([[], 0]);
    await stop();
  });

  it('is refused for a transaction that the coordinator has not begun, has decided, or has no part for it in', async () => {
    const { client, stop } = startBooks();
    await begin('decided');
    await logCommitting(home, 'decided');
    await begin('aborted');
    await logAborting(home, 'aborted');
    await begin('of-others', [serviceOf('others')]);
    for (const id of ['made-up', 'decided', 'aborted', 'of-others']) {
      expect(await failureOf(prepare(client, id))).toMatchObject({
        code: Status.ABORTED,
        message: expect.stringContaining(`"home" has no undecided transaction ${id} with a part for this participant`),
      });
    }
    expect([await prepared(), await noted()]).toEqual([[], 0]);
    await begin('begun');
    await prepare(client, 'begun');
    expect(await prepared()).toEqual(['rondo:home:begun:books']);
    await stop();
  });

  it('holds nothing of the database where hundreds are made up at once', async () => {
    const { client, stop } = startBooks();
    const crowd = await Promise.all(
      Array.from({ length: 200 }, (_, id) => failureOf(prepare(client, `made-up-${id}`))),
    );
    // On a busy machine some of them wait too long for the coordinator's answer, and hold as little.
    const refusals: readonly Status[] = [Status.ABORTED, Status.RESOURCE_EXHAUSTED, Status.UNAVAILABLE];
    expect(crowd.filter(({ code }) => !refusals.includes(code))).toEqual([]);
    expect([await prepared(), await noted()]).toEqual([[], 0]);
    await stop();
  });

  it('is refused while the coordinator is away, or is another than it is called', async () => {
    const { client, leave, stop } = startBooks({ coordinators: { home: serviceOf('home'), other: serviceOf('home') } });
    const misnamed = await failureOf(prepare(client, 't1', 'other'));
    expect(misnamed).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining(`"other" can't be asked`),
    });
    leave();
    expect(await failureOf(prepare(client, 't2'))).toMatchObject({ code: Status.UNAVAILABLE });
    expect(await prepared()).toEqual([]);
    await stop();
  });

  it('leaves room among the transactions that the server may prepare', async () => {
    const { client, stop } = startBooks({ coordinators: { home: serviceOf('home'), other: serviceOf('home') } });
    for (let id = 0; id < SLOTS / 2; id += 1) {
      await begin(`t${id}`);
      await prepare(client, `t${id}`);
    }
    await begin('one-more');
    expect(await failureOf(prepare(client, 'one-more'))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining(
        '32 transactions of the coordinator "home" are prepared and not ended: try again',
      ),
    });
    await client.abort({ transaction: { coordinator: 'home', id: 't0' } });
    await prepare(client, 'one-more');

    const others = Array.from({ length: SLOTS / 2 - SLOTS / 8 }, (_, id) => `others-${id}`);
    for (const gid of others) await away.prepare(gid, (transaction) => transaction.query('SELECT txid_current()'));
    await client.abort({ transaction: { coordinator: 'home', id: 't1' } });
    await away.prepare('others-more', (transaction) => transaction.query('SELECT txid_current()'));
    await begin('too-many');
    expect(await failureOf(prepare(client, 'too-many'))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining('56 transactions are prepared on the server, which may have 64'),
    });
    await stop();
  });
});

describe('a branch that stays prepared', () => {
  /** As one of before a restore of the coordinator's database, or of a version that took any name. */
  const leftPrepared = (id: string, coordinator = 'home') => {
    numbers += 1n;
    const a = numbers;
    const gid = `rondo:${coordinator}:${id}:books`;
    const work = away.prepare(gid, async (transaction) => {
      await transaction.query(`INSERT INTO transaction_branches (gid, outcome) VALUES ($1, 'committed')`, [gid]);
      return book(transaction, { a, b: 1n });
    });
    return work.then(() => ({ gid, a }));
  };

  it('ends as its coordinator says: what that does not know is aborted', async () => {
    const { participant, clock, stop } = startBooks();
    await begin('undecided');
    await begin('decided');
    await logCommitting(home, 'decided');
    const [madeUp, decided, undecided] = [
      await leftPrepared('made-up'),
      await leftPrepared('decided'),
      await leftPrepared('undecided'),
    ];
    participant.start();
    await eventually('the second round has come', async () => {
      await clock.advance(ROUND_MS);
      return (await prepared()).length === 1;
    });
    expect(await prepared()).toEqual([undecided.gid]);
    expect([await booked(away, madeUp.a), await booked(away, decided.a)]).toEqual([undefined, 1n]);
    await stop();
  });

  it('ends so by the dozen', async () => {
    const { participant, clock, stop } = startBooks();
    for (let id = 0; id < 50; id += 1) await leftPrepared(`made-up-${id}`);
    participant.start();
    await eventually('none is left', async () => {
      await clock.advance(ROUND_MS);
      return (await prepared()).length === 0;
    });
    await stop();
  });

  it('is left alone while its coordinator is away, and where that is not known, of which the log is told once', async () => {
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const { participant, clock, leave, client, stop } = startBooks({ log });
    leave();
    const [ofHome, ofNobody] = [await leftPrepared('t1'), await leftPrepared('t2', 'nobody')];
    participant.start();
    await eventually('both were looked at', async () => {
      await clock.advance(ROUND_MS);
      return warnings.length === 2;
    });
    await clock.advance(3 * ROUND_MS);
    expect(await prepared()).toEqual([ofHome.gid, ofNobody.gid]);
    expect(warnings.filter((line) => line.includes('does not know'))).toHaveLength(1);
    // An operator may end it, and nothing is noted of what was never there.
    await client.abort({ transaction: { coordinator: 'nobody', id: 't2' }, heuristic: true });
    await client.abort({ transaction: { coordinator: 'nobody', id: 'never' }, heuristic: true });
    expect(await prepared()).toEqual([ofHome.gid]);
    expect(await noted()).toBe(1);
    await stop();
  });
});
