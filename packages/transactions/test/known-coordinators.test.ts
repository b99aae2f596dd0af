import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AddRequest } from '@rondo/contracts/rondo/conformance/v1/adder';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Database } from '@rondo/database';
import { eventually, waitingForLocks } from '@rondo/database/testing';
import { callerIdentity, callPrincipal, type Logger, type ServerCall, silentLogger } from '@rondo/rpc/call';
import { type Client, createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { createRouter } from '@rondo/rpc/server';
import { type RpcError, Status } from '@rondo/rpc/status';
import { failureOf, ManualClock } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { patientClock } from '../../rpc/test/support/patient-clock.js';
import { logAborting, logCommitting, logPreparing, readMark } from '../src/coordinator/log.js';
import { createParticipant, operation } from '../src/exports/index.js';
import { createOperatorService } from '../src/operator-service.js';
import { createKnownCoordinators } from '../src/participant/known-coordinators.js';
import { pack } from '../src/participant/operation.js';
import { BOOK, book, booked, createNetwork, openBooks, serviceOf, startCoordinator } from './cluster.js';

const SLOTS = 64;
const ROUND_MS = 1_000;

const postgres = filePostgres();
let home: Database;
let away: Database;
let numbers = 0n;

beforeAll(async () => {
  [home, away] = await Promise.all([openBooks(postgres), openBooks(postgres)]);
});
afterEach(async () => {
  await Promise.all((await away.listPrepared('')).map(({ gid }) => away.rollbackPrepared(gid)));
  await Promise.all([home, away].map((one) => one.query('TRUNCATE transaction_log, transaction_branches, bookings')));
});

/** A participant that knows the coordinator "home" and asks it over the network, and that coordinator. */
function startBooks(options: Options = {}) {
  const { coordinators = { home: serviceOf('home') }, log = silentLogger, caller = '', scope = '' } = options;
  const { network, channel } = createNetwork();
  const clock = new ManualClock();
  const { coordinator } = startCoordinator(channel, 'home', home);
  const listening = network.listen(
    serviceOf('home'),
    createRouter({
      services: [createOperatorService({ coordinator, mayServe })],
      middleware: [calledBy(caller, scope)],
      clock: patientClock,
    }),
  );
  const participant = createParticipant({
    database: away,
    name: 'books',
    coordinators: createKnownCoordinators({ channel, coordinators, services: [serviceOf('books')], mayServe }),
    log,
    clock,
    operations: [operation(BOOK, book)],
  });
  network.listen(
    serviceOf('books'),
    createRouter({ services: [participant.service], middleware: [calledBy(caller, scope)], clock: patientClock }),
  );
  const client = createClient(ParticipantServiceDefinition, { channel, at: serviceOf('books') });
  return {
    client,
    operators: createClient(CoordinatorServiceDefinition, { channel, at: serviceOf('home') }),
    participant,
    clock,
    /** Makes the coordinator unavailable. */
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
  /** The SPIFFE id of all callers; empty for none. */
  readonly caller?: string;
  /** The scope of the person for whom they call; empty for none. */
  readonly scope?: string;
}

/** Calls as those of a process with this certificate. */
const calledBy =
  (identity: string, scope: string): Middleware<ServerCall> =>
  (call, next) => {
    call.values.set(callerIdentity, identity);
    if (scope !== '') call.values.set(callPrincipal, { subject: 'jo', issuer: 'test', actors: [], scopes: [scope] });
    return next(call);
  };

/** The process `home` serves the coordinator, and `books` the participant. */
const mayServe = (identity: string, service: string) => service === serviceOf(identity.split('/').at(-1) ?? '');

/** Sends a Prepare of a booking for the transaction with this id. */
function prepare(client: Client<typeof ParticipantServiceDefinition>, id: string, coordinator = 'home') {
  numbers += 1n;
  const request = { transaction: { coordinator, id }, operation: pack(AddRequest, { a: numbers, b: 1n }) };
  return client.prepare(request);
}

/** Begins a transaction in the coordinator's log, as a run does. */
const begin = (id: string, services = [serviceOf('books')]) =>
  logPreparing(home, { id, coordinator: 'home', kind: 'book', subject: id, services, timeoutMs: 60_000 }, {});

const prepared = async () => (await away.listPrepared('rondo:')).map(({ gid }) => gid);
const noted = async () => (await away.query('SELECT gid FROM transaction_branches')).length;

describe('a Prepare', () => {
  it('is refused for a coordinator that is not configured, before any inquiry or lock', async () => {
    const { client, stop } = startBooks();
    const failure = await failureOf(prepare(client, 't1', 'unknown'));
    expect(failure).toMatchObject({
      code: Status.PERMISSION_DENIED,
      message: expect.stringContaining(
        'transaction.coordinator: must be one that this participant knows (home); it is "unknown". Name it in the configuration',
      ),
    });
    expect([await prepared(), await noted()]).toEqual([[], 0]);
    await stop();
  });

  it('is refused if the coordinator has not begun the transaction, has decided it, or has no part for this participant', async () => {
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

  it('takes no database resources for hundreds of forged transactions at once', async () => {
    const { client, stop } = startBooks();
    const crowd = await Promise.all(
      Array.from({ length: 200 }, (_, id) => failureOf(prepare(client, `made-up-${id}`))),
    );
    // On a busy machine the coordinator's answer to some comes too late; they take no resources either.
    const refusals: readonly Status[] = [Status.ABORTED, Status.RESOURCE_EXHAUSTED, Status.UNAVAILABLE];
    expect(crowd.filter(({ code }) => !refusals.includes(code))).toEqual([]);
    expect([await prepared(), await noted()]).toEqual([[], 0]);
    await stop();
  });

  it('is refused while the coordinator is unavailable, or if its name differs', async () => {
    const { client, leave, stop } = startBooks({ coordinators: { home: serviceOf('home'), other: serviceOf('home') } });
    const misnamed = await failureOf(prepare(client, 't1', 'other'));
    expect(misnamed).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('the coordinator "other"'),
    });
    leave();
    expect(await failureOf(prepare(client, 't2'))).toMatchObject({ code: Status.UNAVAILABLE });
    expect(await prepared()).toEqual([]);
    await stop();
  });

  it('keeps prepared transactions of the server free', async () => {
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

it('Prepares that wait for the rows of a branch in doubt leave connections to other calls, and are bounded', async () => {
  const { client, stop } = startBooks();
  const prepareSame = (id: string) =>
    client.prepare({ transaction: { coordinator: 'home', id }, operation: pack(AddRequest, { a: 1_000n, b: 1n }) });
  const ids = Array.from({ length: 48 }, (_, id) => `same-${id}`);
  for (const id of ids) await begin(id);
  await prepareSame('same-0');
  // More than may run and wait. On a busy machine some have waited as long as they may before the last one comes.
  const waiting = ids.slice(1).map((id) => failureOf(prepareSame(id)));
  const refused = async (call: Promise<RpcError>) =>
    expect(await call).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining('4 such calls run, and 32 wait'),
    });
  try {
    await Promise.any(waiting.map(refused));
    const fourWait = () => eventually('four wait for the row', async () => (await waitingForLocks(away)) === 4);
    await fourWait();
    // As many as the pool has left.
    await Promise.all(Array.from({ length: 8 }, () => away.query('SELECT pg_sleep(0.01)')));
    await fourWait();
  } finally {
    await client.commit({ transaction: { coordinator: 'home', id: 'same-0' } });
    await Promise.all(waiting);
    await stop();
  }
});

describe('a branch that stays prepared', () => {
  /**
   * Prepares a branch as if it was left from before a restore of the coordinator's database, or from a version that
   * accepted any name.
   */
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

  it('ends as its coordinator decides; an unknown transaction is aborted', async () => {
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

  it('ends if its coordinator has the same log and no such transaction; after a restore it stays for an operator', async () => {
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const { participant, clock, client, stop } = startBooks({ log });
    const mark = await readMark(home, {});
    const [, lost] = [await leftPrepared(`${mark}-x`), await leftPrepared('00000000-x')];
    participant.start();
    await eventually('both were asked about', async () => {
      await clock.advance(ROUND_MS);
      return (await prepared()).length === 1 && warnings.length > 0;
    });
    await clock.advance(3 * ROUND_MS);
    expect(await prepared()).toEqual([lost.gid]);
    expect(warnings).toEqual([expect.stringContaining('was restored to a time before the transaction')]);
    expect(await failureOf(prepare(client, '00000000-y'))).toMatchObject({ code: Status.ABORTED });
    await stop();
  });

  it('ends together with dozens of others', async () => {
    const { participant, clock, stop } = startBooks();
    for (let id = 0; id < 50; id += 1) await leftPrepared(`made-up-${id}`);
    participant.start();
    await eventually('none is left', async () => {
      await clock.advance(ROUND_MS);
      return (await prepared()).length === 0;
    });
    await stop();
  });

  it('stays while its coordinator is unavailable or unknown, and the log warns once', async () => {
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const { participant, clock, leave, client, stop } = startBooks({ log });
    leave();
    const [ofHome, ofUnknown] = [await leftPrepared('t1'), await leftPrepared('t2', 'unknown')];
    participant.start();
    await eventually('both were looked at', async () => {
      await clock.advance(ROUND_MS);
      return warnings.length === 2;
    });
    await clock.advance(3 * ROUND_MS);
    expect(await prepared()).toEqual([ofHome.gid, ofUnknown.gid]);
    expect(warnings.filter((line) => line.includes('is unknown to this participant'))).toHaveLength(1);
    // An operator may end it, and a branch that never existed leaves no row.
    await client.abort({ transaction: { coordinator: 'unknown', id: 't2' }, heuristic: true });
    await client.abort({ transaction: { coordinator: 'unknown', id: 'never' }, heuristic: true });
    expect(await prepared()).toEqual([ofHome.gid]);
    expect(await noted()).toBe(1);
    await stop();
  });
});

it('an inquiry about a transaction of another coordinator is refused, as its decision is not in this log', async () => {
  const { operators, stop } = startBooks();
  const transaction = { coordinator: 'other', id: 't1' };
  expect(await failureOf(operators.inquireTransaction({ transaction, services: [serviceOf('books')] }))).toMatchObject({
    code: Status.FAILED_PRECONDITION,
    message: expect.stringContaining('must be "home", the coordinator that was asked; it is "other"'),
  });
  await stop();
});

const HOME = 'spiffe://rondo.test/home';
const BOOKS = 'spiffe://rondo.test/books';
const MALLORY = 'spiffe://rondo.test/mallory';
const GATEWAY = 'spiffe://rondo.test/gateway';
const PERSON = 'spiffe://rondo.test/person/jo';

describe('with certificates', () => {
  type Started = ReturnType<typeof startBooks>;
  const transaction = { coordinator: 'home', id: 'none' };
  const calls: Record<string, readonly [call: (started: Started) => Promise<unknown>, allowed: readonly unknown[]]> = {
    Prepare: [({ client }) => prepare(client, 'none'), [HOME]],
    Commit: [({ client }) => client.commit({ transaction, heuristic: false }), [HOME, PERSON]],
    Abort: [({ client }) => client.abort({ transaction, heuristic: false }), [HOME, PERSON]],
    ListInDoubt: [({ client }) => client.listInDoubt({ coordinator: 'home' }), [HOME, PERSON]],
    ListTransactions: [({ operators }) => operators.listTransactions({}), [PERSON]],
    InquireTransaction: [
      ({ operators }) => operators.inquireTransaction({ transaction, services: [serviceOf('books')] }),
      [BOOKS, PERSON],
    ],
    'InquireTransaction with a service of another among those named': [
      ({ operators }) =>
        operators.inquireTransaction({ transaction, services: [serviceOf('books'), serviceOf('others')] }),
      [PERSON],
    ],
    'InquireTransaction without a service': [
      ({ operators }) => operators.inquireTransaction({ transaction }),
      [PERSON],
    ],
    ResolveTransaction: [({ operators }) => operators.resolveTransaction({ id: 'none', outcome: 1 }), [PERSON]],
    ListSagas: [({ operators }) => operators.listSagas({}), [PERSON]],
    RetrySaga: [({ operators }) => operators.retrySaga({ id: 'none' }), [PERSON]],
  };

  it.each(Object.entries(calls))(
    '%s is open only to those who take part, and operators',
    async (_name, [call, allowed]) => {
      for (const [caller, scope = 'rondo.operator'] of [
        [HOME],
        [BOOKS],
        [MALLORY],
        [PERSON],
        [''],
        [GATEWAY],
        [GATEWAY, 'x'],
      ] as const) {
        const started = startBooks({ caller, scope });
        const outcome = await call(started).then(
          () => '',
          (error: Error) => error.message,
        );
        await started.stop();
        // The gateway calls for operators, as the console does.
        const as = caller === GATEWAY && scope === 'rondo.operator' ? PERSON : caller;
        const isOpen = caller === '' || allowed.includes(as);
        expect([caller, scope, outcome.includes('may not call this')]).toEqual([caller, scope, !isOpen]);
      }
    },
  );
});
