import { setTimeout as pause } from 'node:timers/promises';
import { AddRequest, AddResponse } from '@rondo/contracts/rondo/conformance/v1/adder';
import { type Database, migrate, type Transaction } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, type Resolver, staticResolver } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork } from '@rondo/rpc/testing';
import type { FilePostgres } from '../../database/test/postgres.js';
import { patientClock } from '../../rpc/test/support/patient-clock.js';
import { createCoordinator } from '../src/coordinator/coordinator.js';
import { createParticipant, operation, participant, transactionsSchema } from '../src/exports/index.js';
import type { KnownCoordinators } from '../src/participant/known-coordinators.js';

type MemoryNetwork = ReturnType<typeof createMemoryNetwork>;

/** Coordinators of any name. None is asked: each transaction counts as undecided. */
export const TRUSTED: KnownCoordinators = {
  names: [],
  knows: () => true,
  mayBe: () => true,
  inquire: async () => undefined,
};

/** Books an amount under an id: two numbers in the request, one in the result. */
export const BOOK = { request: AddRequest, result: AddResponse };

/** A database with the tables of transactions and of bookings. */
export async function openBooks(postgres: FilePostgres): Promise<Database> {
  const database = postgres.pool({ url: await postgres.createDatabase(), maxConnections: 12 });
  await migrate(database, { part: transactionsSchema.name, migrations: transactionsSchema.migrations });
  await database.query('CREATE TABLE bookings (id bigint PRIMARY KEY, amount bigint NOT NULL)');
  return database;
}

/** Books in a transaction; refuses a negative amount. */
export async function book(transaction: Transaction, { a, b }: { readonly a: bigint; readonly b: bigint }) {
  if (b < 0n) throw new RpcError(Status.FAILED_PRECONDITION, `${a}: ${b} is less than nothing`);
  await transaction.query('INSERT INTO bookings VALUES ($1, $2)', [a, b]);
  return { result: b };
}

/** The amount that is booked under an id; undefined if there is none. */
export async function booked(database: Database, id: bigint): Promise<bigint | undefined> {
  const row = await database.maybeOne<{ amount: bigint }>('SELECT amount FROM bookings WHERE id = $1', [id]);
  return row?.amount;
}

/** A simulated process: after its end, every use of its database and channel fails. */
interface Life {
  readonly dead: boolean;
  end(): void;
  /** The database, until the process ends. */
  own(database: Database): Database;
  /** The channel, until the process ends. */
  reach(channel: Channel): Channel;
}

function createLife(): Life {
  let dead = false;
  const alive = (): void => {
    if (dead) throw new Error('this process is dead');
  };
  const working =
    <T>(work: (transaction: Transaction) => Promise<T>) =>
    async (transaction: Transaction): Promise<T> => {
      const result = await work(transaction);
      alive(); // before the commit
      return result;
    };
  const living =
    <Args extends unknown[], T>(use: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      alive();
      return await use(...args);
    };
  return {
    get dead() {
      return dead;
    },
    end: () => {
      dead = true;
    },
    own: (database) => ({
      ...database,
      query: (sql, ...rest) => (dead ? Promise.reject(new Error('dead')) : database.query(sql, ...rest)),
      one: (sql, ...rest) => (dead ? Promise.reject(new Error('dead')) : database.one(sql, ...rest)),
      maybeOne: (sql, ...rest) => (dead ? Promise.reject(new Error('dead')) : database.maybeOne(sql, ...rest)),
      transaction: async (work, options) => {
        alive();
        return await database.transaction(working(work), options);
      },
      prepare: async (gid, work, options) => {
        alive();
        return await database.prepare(gid, working(work), options);
      },
      commitPrepared: living(database.commitPrepared),
      rollbackPrepared: living(database.rollbackPrepared),
    }),
    reach: (channel) => ({ ...channel, call: living(channel.call) }),
  };
}

/** A signal that never aborts. */
export const NO_LIMIT = new AbortController().signal;

/** A network where each service is at an address equal to its name. */
export function createNetwork(): { readonly network: MemoryNetwork; readonly channel: Channel } {
  const network = createMemoryNetwork();
  const resolver: Resolver = {
    source: 'the test',
    resolve: (service, listener) => staticResolver([service]).resolve(service, listener),
    close() {},
  };
  return { network, channel: createChannel({ resolver, transport: network.transport, clock: patientClock }) };
}

/** A participant in a process of its own, at the address of its service. */
export function startParticipant(network: MemoryNetwork, name: string, database: Database) {
  const life = createLife();
  const participant = createParticipant({
    database: life.own(database),
    name,
    coordinators: TRUSTED,
    log: silentLogger,
    operations: [operation(BOOK, book)],
  });
  const listener = network.listen(
    serviceOf(name),
    createRouter({ services: [participant.service], clock: patientClock }),
  );
  return {
    life,
    kill() {
      life.end();
      listener.close();
    },
  };
}

/** The service that addresses a participant. */
export const serviceOf = (participant: string): string => `test.v1.${participant}`;

/** A participant's part: a booking. */
export const booking = (name: string, a: bigint, b: bigint) =>
  participant({ fullName: serviceOf(name) }, BOOK, { a, b });

/** A coordinator in a process of its own; its transaction ids end with `<name>-1`, `<name>-2` and so on. */
export function startCoordinator(channel: Channel, name: string, database: Database) {
  const life = createLife();
  let ids = 0;
  const completed: string[] = [];
  const coordinator = createCoordinator({
    database: life.own(database),
    name,
    channel: life.reach(channel),
    log: silentLogger,
    random: {
      next: systemRandom.next,
      hex: () => {
        ids += 1;
        return `${name}-${ids}`;
      },
    },
    completions: {
      book: async (transaction, { subject }) => {
        await transaction.query('UPDATE bookings SET amount = amount + 1000 WHERE id = $1', [BigInt(subject)]);
        completed.push(subject);
      },
    },
  });
  return { coordinator, life, completed };
}

const POLL_MS = 25;
/** Only a hang takes so long. */
const TIMEOUT_MS = 300_000;

/** Resolves as soon as `check` passes. After five minutes it rejects as `check` last did. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    await pause(POLL_MS);
  }
}
