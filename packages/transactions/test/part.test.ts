/** Transactions as parts of services, which take the rest from the databases of these. */
import { expect, it } from '@jest/globals';
import { createPool, type Database, migrate } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { createRouter } from '@rondo/rpc/server';
import { filePostgres } from '../../database/test/postgres.js';
import { createParticipant, createTransactions, operation } from '../src/exports/index.js';
import { BOOK, book, booked, booking, createNetwork, serviceOf } from './cluster.js';

const postgres = filePostgres();

/** A database as its service has it, with what the parts do to it. */
async function openShared(channel: Channel) {
  const url = await postgres.createDatabase();
  const pool = createPool({ url });
  const did: string[] = [];
  const reserved: Database[] = [];
  const audit = { record: async (_: unknown, { name }: { readonly name: string }) => void did.push(`audits ${name}`) };
  const database = {
    ...pool,
    process: { log: silentLogger, clock: systemClock, wallClock: systemWallClock, random: systemRandom, channel },
    audit,
    graceMs: 5_000,
    nudge: () => void did.push('nudges'),
    reserve(bounds: { readonly maxConnections: number; readonly poolName: string }) {
      did.push(`reserves ${bounds.maxConnections} ${bounds.poolName}`);
      const ending = createPool({ url, ...bounds });
      reserved.push(ending);
      return ending;
    },
  };
  return { database, did, reserved };
}

it('a transaction over two services needs nothing but their databases', async () => {
  const { network, channel } = createNetwork();
  const [shop, depot] = [await openShared(channel), await openShared(channel)];
  const books = serviceOf('depot');
  const participant = createParticipant({
    database: depot.database,
    name: 'depot',
    services: [{ fullName: books }],
    coordinators: { shop: serviceOf('shop') },
    operations: [operation(BOOK, book)],
  });
  const completed: string[] = [];
  const transactions = createTransactions({
    database: shop.database,
    name: 'shop',
    completions: { sale: async (_transaction, { subject }) => void completed.push(subject) },
  });
  for (const [{ database }, { schema = [] }] of [
    [depot, participant],
    [shop, transactions],
  ] as const)
    for (const { name: part, migrations } of schema) await migrate(database, { part, migrations });
  await depot.database.query('CREATE TABLE bookings (id bigint PRIMARY KEY, amount bigint NOT NULL)');
  network.listen(books, createRouter({ services: [...(participant.services ?? [])] }));
  network.listen(serviceOf('shop'), createRouter({ services: [...(transactions.services ?? [])] }));
  const { signal } = new AbortController();
  await participant.check({ signal });
  participant.start();
  transactions.start();

  const local = async () => undefined;
  await transactions.run({ kind: 'sale', subject: 'orders/1', participants: [booking('depot', 1n, 7n)], local });

  expect(await booked(depot.database, 1n)).toBe(7n);
  expect(completed).toEqual(['orders/1']);
  expect(depot.did).toEqual(['reserves 2 ending', 'nudges']);
  expect(shop.did).toEqual(['nudges']);
  expect(participant.graceMs).toBe(5_000);
  const [ending] = depot.reserved;
  await expect(ending?.query('SELECT')).resolves.toHaveLength(1);
  await Promise.all([transactions.stop(), participant.stop()]);
  await expect(ending?.query('SELECT')).rejects.toThrow();
  channel.close();
  await Promise.all([shop, depot].map(({ database }) => database.close()));
});
