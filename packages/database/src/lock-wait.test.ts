import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Once } from '@rondo/base';
import { filePostgres } from '../test/postgres.js';
import { LockTimeout } from './errors.js';
import { outcomesSchema } from './outcomes.js';
import type { Database } from './sql.js';
import { clockIsShifted } from './testing/test-postgres.js';

/** For tests in which the server must end a wait for a lock. */
const onTime = clockIsShifted ? describe.skip : describe;

const WAITERS = 30;
const OTHERS = 20;

const postgres = filePostgres();
/** It waits twenty seconds for a lock. */
let pool: Database;
let holder: Database;

beforeAll(async () => {
  const url = await postgres.createDatabase();
  pool = postgres.pool({ url: url.replace(/lock_timeout=\d+/, 'lock_timeout=20000'), applicationName: 'pool' });
  holder = postgres.pool({ url });
  await holder.transaction((transaction) => transaction.script(outcomesSchema.migrations?.[0]?.sql ?? ''));
  await holder.query('CREATE TABLE stock AS SELECT id, 0 AS taken FROM generate_series(1, 2) AS id');
});

const take = (queries: Pick<Database, 'query'>, id: number) =>
  queries.query('UPDATE stock SET taken = taken + 1 WHERE id = $1', [id]);

/** A call with an idempotency key, whose repetitions end with the words `an earlier call`. */
function callWithKey(): Once {
  return {
    method: '/a.B/C',
    caller: '',
    key: 'raced',
    fingerprint: new Uint8Array(32),
    retentionMs: 60_000,
    begin: () => undefined,
    run: (work) => work(),
    encode: () => new Uint8Array(1),
    repeated: () => new Error('an earlier call'),
  };
}

onTime('calls that wait for one row', () => {
  it.each<[string, (database: Database) => Promise<unknown>]>([
    ['statements', (database) => take(database, 1)],
    ['transactions', (database) => database.transaction((transaction) => take(transaction, 1))],
    [
      'transactions with one idempotency key',
      (database) => database.transaction((transaction) => take(transaction, 1), { once: callWithKey() }),
    ],
  ])('leave the connections to others: %s', async (_what, call) => {
    await holder.transaction((clean) => clean.script('UPDATE stock SET taken = 0; DELETE FROM call_outcomes'));
    let ended = 0;
    const { waiting, whole } = await holder.transaction(
      async (transaction) => {
        await take(transaction, 1);
        const calls = Array.from({ length: WAITERS }, () => call(pool).finally(() => (ended += 1)));
        const settled = Promise.allSettled(calls);
        // It waits with its connection for as long as the others of the pool may wait in all.
        const whole = holder.transaction(
          async (witness) => {
            await witness.query('SET LOCAL lock_timeout = 20000');
            await take(witness, 1);
          },
          { attempts: 1 },
        );
        whole.catch(() => (ended += 1));
        const others = Array.from({ length: OTHERS }, () => pool.transaction((other) => take(other, 2)));
        await Promise.all(others);
        expect(ended).toBe(0);
        return { waiting: settled, whole };
      },
      { once: callWithKey() },
    );
    await whole;
    const results = await waiting;
    const done = results.filter(({ status }) => status === 'fulfilled').length;
    const earlier = results.filter((result) => result.status === 'rejected' && /earlier/.test(String(result.reason)));
    expect(done + earlier.length).toBe(WAITERS);
    await expect(holder.query('SELECT taken FROM stock ORDER BY id')).resolves.toEqual([
      { taken: 2 + done },
      { taken: OTHERS },
    ]);
  });

  it('wait at the server for all of the time if they may run only once', async () => {
    const timeout = (attempts?: number) =>
      pool.transaction((one) => one.query('SHOW lock_timeout'), attempts === undefined ? {} : { attempts });
    await expect(timeout(1)).resolves.toEqual([{ lock_timeout: '20s' }]);
    await expect(timeout()).resolves.toEqual([{ lock_timeout: '1s' }]);
  });

  it('are refused in the end, and one that may run only once is refused without another try', async () => {
    const short = postgres.pool({
      url: (await postgres.createDatabase()).replace(/lock_timeout=\d+/, 'lock_timeout=400'),
    });
    await short.query('CREATE TABLE stock AS SELECT 1 AS id, 0 AS taken');
    await short.prepare('rondo-holder', (transaction) => take(transaction, 1));
    const runs = { many: 0, one: 0 };
    const run = (count: keyof typeof runs) => (transaction: Pick<Database, 'query'>) => {
      runs[count] += 1;
      return take(transaction, 1);
    };
    await expect(short.transaction(run('many'))).rejects.toThrow(LockTimeout);
    await expect(short.transaction(run('one'), { attempts: 1 })).rejects.toThrow(LockTimeout);
    expect(runs.many).toBeGreaterThan(1);
    expect(runs.one).toBe(1);
    await short.rollbackPrepared('rondo-holder');
  });
});
