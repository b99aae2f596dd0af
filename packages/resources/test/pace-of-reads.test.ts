import { afterEach, expect, it, jest } from '@jest/globals';
import { type Database, eventLoopPace } from '@rondo/database';
import { createStoreDatabase, type StoreDatabase } from '../src/sql/store-database.js';

afterEach(() => {
  jest.restoreAllMocks();
});

type Call = (database: StoreDatabase) => Promise<unknown>;

const calls = {
  'a statement': [(database) => database.query('SELECT 1'), 1],
  'a row': [(database) => database.one('SELECT 1'), 1],
  'a row that may be missing': [(database) => database.maybeOne('SELECT 1'), 1],
  'a transaction': [({ transaction }) => transaction(async () => []), 1],
  'not a list': [({ reads }) => reads.query('SELECT 1'), 0],
  'not a snapshot': [({ inSnapshot }) => inSnapshot(async () => []), 0],
} satisfies Record<string, readonly [Call, number]>;

it.each(Object.entries<readonly [Call, number]>(calls))(
  'long reads keep their pace next to other work, which is %s',
  async (_name, [call, times]) => {
    const noted = jest.spyOn(eventLoopPace, 'noteOtherWork');
    const run = async () => [];
    const outage = { run: (work: () => Promise<unknown>) => work() };
    const database = { query: run, one: run, maybeOne: run, transaction: run, outage } as unknown as Database;
    await call(createStoreDatabase(database));
    expect(noted).toHaveBeenCalledTimes(times);
  },
);
