import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createOutcomeStore, type Database, DatabaseUnavailable, migrate, outcomesSchema } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { type Coordinator, createCoordinator } from '../src/coordinator/coordinator.js';
import { createOperatorService } from '../src/operator-service.js';
import {
  book,
  booked,
  booking,
  createNetwork,
  eventually,
  NO_LIMIT,
  openBooks,
  serviceOf,
  startCoordinator,
  startParticipant,
} from './cluster.js';

const postgres = filePostgres();
let home: Database;
let away: Database;
let network: ReturnType<typeof createNetwork>['network'];
let channel: Channel;
let numbers = 0n;
let participants: Record<'alpha' | 'beta', ReturnType<typeof startParticipant>>;
let started: ReturnType<typeof startCoordinator>[];

beforeAll(async () => {
  [home, away] = await Promise.all([openBooks(postgres), openBooks(postgres)]);
});
beforeEach(() => {
  numbers += 1n;
  started = [];
  ({ network, channel } = createNetwork());
  participants = {
    alpha: startParticipant(network, 'alpha', away),
    beta: startParticipant(network, 'beta', away),
  };
});
afterEach(async () => {
  await Promise.all(started.map(({ coordinator }) => coordinator.close()));
  for (const one of Object.values(participants)) one.kill();
  channel.close();
  expect(await away.listPrepared('')).toEqual([]);
});

function coordinate(name = `c${numbers}`, database = home) {
  const one = startCoordinator(channel, name, database);
  started.push(one);
  return one;
}

/** Books at alpha and at home, under an id that only this test uses. */
const transfer = (amount: bigint, { ofHome = amount, timeoutMs = 60_000 } = {}) => ({
  kind: 'book',
  subject: `${numbers}`,
  timeoutMs,
  participants: [booking('alpha', numbers, amount)] as const,
  local: async (transaction: Parameters<typeof book>[0], [{ result }]: readonly [{ result: bigint }, ...unknown[]]) => {
    await book(transaction, { a: numbers, b: ofHome });
    return result * 2n;
  },
});

const nothing = async () => {
  expect([await booked(home, numbers), await booked(away, numbers)]).toEqual([undefined, undefined]);
};

describe('a transaction', () => {
  it('of a call with an idempotency key stores its outcome with the decision, and takes effect once', async () => {
    await migrate(home, { part: outcomesSchema.name, migrations: outcomesSchema.migrations });
    const { coordinator } = coordinate();
    const createEntry = async ({ text }: { readonly text: string }) => {
      const { value } = await coordinator.run({
        ...transfer(3n),
        local: async (transaction: Parameters<typeof book>[0]) => {
          await book(transaction, { a: numbers, b: 3n });
          return { id: numbers, text };
        },
      });
      return value;
    };
    const outcomes = createOutcomeStore(home);
    const keyed = createTestChannel({ services: [standIn(KeyedServiceDefinition, { createEntry })], outcomes });
    const request = { text: 'one', requestId: randomUUID() };
    const create = () => createClient(KeyedServiceDefinition, { channel: keyed }).createEntry(request);
    const first = await create();
    expect(first).toEqual({ id: numbers, text: 'one' });
    expect(await create()).toEqual(first);
    expect([await booked(home, numbers), await booked(away, numbers)]).toEqual([1003n, 3n]);
    keyed.close();
    await outcomes.close();
  });

  it('takes effect everywhere, passes results on, and ends with its completion', async () => {
    const { coordinator, completed } = coordinate();
    const outcome = await coordinator.run(transfer(3n));
    expect(outcome).toEqual({ id: expect.stringMatching(`^[0-9a-f]{8}-c${numbers}-1$`), value: 6n, finished: true });
    expect([await booked(home, numbers), await booked(away, numbers)]).toEqual([1003n, 3n]);
    expect(completed).toEqual([`${numbers}`]);
    expect(await coordinator.list(NO_LIMIT)).toEqual([]);
  });

  it('takes effect nowhere if a participant refuses, and fails with its error', async () => {
    const { coordinator } = coordinate();
    const refused = coordinator.run({
      ...transfer(3n),
      participants: [booking('alpha', numbers, 3n), booking('beta', numbers, -3n)],
    });
    const error = await refused.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message: `${numbers}: -3 is less than nothing`,
      report: undefined,
    });
    await nothing();
  });

  it('takes effect nowhere if its own service refuses', async () => {
    const { coordinator } = coordinate();
    await expect(coordinator.run(transfer(3n, { ofHome: -1n }))).rejects.toMatchObject({
      message: `${numbers}: -1 is less than nothing`,
    });
    await nothing();
  });

  it('takes effect nowhere if a participant is unavailable', async () => {
    const { coordinator } = coordinate();
    participants.alpha.kill();
    await expect(coordinator.run(transfer(3n, { timeoutMs: 200 }))).rejects.toBeInstanceOf(RpcError);
    participants.alpha = startParticipant(network, 'alpha', away);
    coordinator.start();
    await eventually(async () => expect(await coordinator.list(NO_LIMIT)).toEqual([]));
    await nothing();
  });

  it.each([
    ['it takes too long', 'expire_time = now(), due_time = now()'],
    [
      "the database's clock goes back by an hour",
      ['create_time', 'expire_time', 'due_time'].map((time) => `${time} = ${time} + interval '1 hour'`).join(),
    ],
  ])('is aborted by any replica if %s, without its own part', async (_what, change) => {
    const name = `c${numbers}`;
    coordinate(name).coordinator.start();
    const aborted = async () => {
      const states = await home.query('SELECT state FROM transaction_log WHERE coordinator = $1', [name]);
      expect(states).toEqual([{ state: 'aborted' }]);
    };
    const slow: Database = {
      ...home,
      transaction: async (work, options) => {
        await home.query(`UPDATE transaction_log SET ${change} WHERE coordinator = $1`, [name]);
        await eventually(aborted);
        return await home.transaction(work, options);
      },
    };
    const late = coordinate(name, slow).coordinator.run(transfer(3n));
    await expect(late).rejects.toMatchObject({
      code: Status.ABORTED,
      message: expect.stringContaining(`-${name}-1 was not decided within 60000 ms and was aborted; try again`),
    });
    await nothing();
  });

  it('blames the database if an outage took its time', async () => {
    const name = `c${numbers}`;
    const held: Database = {
      ...home,
      outage: { run: home.outage.run.bind(home.outage), heldUp: true },
      transaction: async (work, options) => {
        await eventually(async () => {
          const states = await home.query('SELECT state FROM transaction_log WHERE coordinator = $1', [name]);
          expect(states).toEqual([{ state: 'aborted' }]);
        });
        return await home.transaction(work, options);
      },
    };
    const { coordinator } = coordinate(name, held);
    coordinator.start();
    await expect(coordinator.run(transfer(3n, { timeoutMs: 4_000 }))).rejects.toThrow(DatabaseUnavailable);
    await nothing();
  });

  it('succeeds if the reply to the commit is lost', async () => {
    const losing: Database = {
      ...home,
      transaction: async (work, options) => {
        const result = await home.transaction(work, options);
        if (!lost) {
          lost = true;
          throw new DatabaseUnavailable('the connection broke');
        }
        return result;
      },
    };
    let lost = false;
    const { coordinator } = coordinate(`c${numbers}`, losing);
    expect(await coordinator.run(transfer(3n))).toMatchObject({ value: 6n, finished: true });
    expect([lost, await booked(home, numbers), await booked(away, numbers)]).toEqual([true, 1003n, 3n]);
  });

  it('is finished once by several replicas if a participant was unavailable after the decision', async () => {
    const name = `c${numbers}`;
    const { coordinator } = coordinate(name);
    const outcome = await coordinator.run({
      ...transfer(3n),
      local: async (transaction) => {
        await book(transaction, { a: numbers, b: 3n });
        participants.alpha.kill();
      },
    });
    expect(outcome.finished).toBe(false);
    expect([await booked(home, numbers), await booked(away, numbers)]).toEqual([3n, undefined]);
    expect(await coordinator.list(NO_LIMIT)).toMatchObject([
      {
        state: 'committing',
        decision: 'committed',
        subject: `${numbers}`,
        participants: [{ service: serviceOf('alpha'), outcome: '', error: expect.stringMatching(/./) }],
      },
    ]);
    participants.alpha = startParticipant(network, 'alpha', away);
    const replicas = [coordinate(name), coordinate(name), coordinate(name)];
    for (const one of replicas) one.coordinator.start();
    await eventually(async () => expect(await booked(home, numbers)).toBe(1003n));
    expect(await booked(away, numbers)).toBe(3n);
    expect(replicas.flatMap(({ completed }) => completed)).toHaveLength(1);
  });

  it('waits for transactions on the same rows, and never deadlocks with them', async () => {
    const { coordinator } = coordinate();
    coordinator.start();
    const first = numbers * 1_000n;
    await Promise.all([home, away].map((database) => database.query('SELECT 1')));
    const both = [booking('alpha', first, 1n), booking('beta', first + 1n, 1n)];
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        coordinator.run({
          kind: 'none',
          subject: '',
          timeoutMs: 60_000,
          participants: index % 2 === 0 ? both : both.toReversed(),
          local: async () => index,
        }),
      ),
    );
    // All need the same two ids: one gets them, and the others fail as soon as it has them.
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect([await booked(away, first), await booked(away, first + 1n)]).toEqual([1n, 1n]);
  });

  it('refuses invalid transactions', async () => {
    const { coordinator } = coordinate();
    const twice = [booking('alpha', 1n, 1n), booking('alpha', 2n, 2n)];
    for (const parts of [twice, []]) {
      await expect(
        coordinator.run({ kind: 'x', subject: '', participants: parts, local: async () => 1 }),
      ).rejects.toThrow('one part for each of its participants');
    }
    await expect(coordinator.run(transfer(1n, { timeoutMs: 0 }))).rejects.toThrow('timeoutMs must be from 1 to 60000');
    expect(() => createCoordinator({ database: home, name: '', channel, log: silentLogger })).toThrow(TypeError);
  });
});

describe('an operator', () => {
  const operate = (coordinator: Coordinator) =>
    createClient(CoordinatorServiceDefinition, {
      channel: createTestChannel({ services: [createOperatorService({ coordinator })] }),
    });
  const { COMMITTED, ABORTED } = { COMMITTED: 1, ABORTED: 2 };

  /** A transaction whose participant became unavailable after the decision. */
  async function leaveInDoubt() {
    const { coordinator } = coordinate();
    const { id } = await coordinator.run({
      ...transfer(3n),
      local: async (transaction) => {
        await book(transaction, { a: numbers, b: 3n });
        participants.alpha.kill();
      },
    });
    participants.alpha = startParticipant(network, 'alpha', away);
    return { coordinator, id, client: operate(coordinator) };
  }

  it('sees unfinished transactions, and finishes one at once', async () => {
    const { client, id } = await leaveInDoubt();
    const { transactions } = await client.listTransactions({});
    expect(transactions).toMatchObject([{ ref: { id }, kind: 'book', state: 2, decision: COMMITTED, attempts: 1 }]);
    await expect(client.resolveTransaction({ id, outcome: ABORTED })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message: `transaction ${id} is decided: it is committed`,
    });
    expect(await client.resolveTransaction({ id, outcome: COMMITTED })).toMatchObject({ state: 4 });
    expect(await booked(away, numbers)).toBe(3n);
    await expect(client.resolveTransaction({ id: 'x', outcome: COMMITTED })).rejects.toMatchObject({
      code: Status.NOT_FOUND,
    });
    await expect(client.resolveTransaction({ id })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  it('finishes it once, even through all replicas at the same time', async () => {
    const { id } = await leaveInDoubt();
    const replicas = [1, 2, 3, 4].map(() => operate(coordinate(`c${numbers}`).coordinator));
    await Promise.all(replicas.map((client) => client.resolveTransaction({ id, outcome: COMMITTED })));
    expect(await booked(home, numbers)).toBe(1003n);
  });

  it('sees a conflict until it is resolved', async () => {
    const { client, id, coordinator } = await leaveInDoubt();
    const alpha = createClient(ParticipantServiceDefinition, { channel, at: serviceOf('alpha') });
    await alpha.abort({ transaction: { coordinator: `c${numbers}`, id }, heuristic: true });
    coordinator.start();
    await eventually(async () => {
      expect((await client.listTransactions({})).transactions).toMatchObject([
        { state: 6, decision: COMMITTED, participants: [{ outcome: ABORTED }] },
      ]);
    });
    expect(await booked(home, numbers)).toBe(3n);
    expect(await client.resolveTransaction({ id, outcome: COMMITTED })).toMatchObject({ state: 4 });
    expect(await booked(home, numbers)).toBe(1003n);
    expect((await client.listTransactions({})).transactions).toEqual([]);
  });
});
