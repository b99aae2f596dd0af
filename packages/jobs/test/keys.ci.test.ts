/** Jobs of which so many of a key may run at once. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { Priority } from '@rondo/contracts/rondo/options/v1/options';
import type { Database } from '@rondo/database';
import { silentLogger as log } from '@rondo/rpc/call';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { createJobs, type Jobs } from '../src/exports/index.js';
import { claimJobs, failJob, insertJob } from '../src/store.js';
import { declare } from './declare.js';
import { eachWithDatabase, eventually } from './fixture.js';

const BOUND = { job: { maxRunningPerKey: { field: 'chore', running: 2 } } };
const doAlone = declare(ChoreServiceDefinition.methods.doAlone, BOUND);
const FREE = declare(ChoreServiceDefinition.methods.doAlone, { job: {} });
const METHOD = 'rondo.conformance.v1.ChoreService/DoAlone';
const AT_ONCE = 10;

let database: Database;
eachWithDatabase((own) => {
  database = own;
});
const started: Jobs[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((jobs) => jobs.stop()));
});

/** A process with the method, whose calls `handle` gets. */
function begin(handle: (key: string) => Promise<unknown>, method = doAlone): Jobs {
  const methods = { doAlone: method };
  const service = standIn(
    { ...ChoreServiceDefinition, methods },
    {
      async doAlone({ chore }) {
        await handle(chore);
        return {};
      },
    },
  );
  const services = [{ ...ChoreServiceDefinition, methods }];
  const jobs = createJobs({ database, services, log, channel: createTestChannel({ services: [service] }) });
  started.push(jobs);
  void jobs.start();
  return jobs;
}

async function enqueue(jobs: Jobs, keys: readonly string[], method = doAlone) {
  await database.transaction(async (transaction) => {
    for (const chore of keys) await jobs.enqueue(transaction, method, { request: { chore } });
  });
  jobs.nudge();
}

/** Stores as many jobs of a key as one customer may have, and says when the first of others begin, as counts of what began before. */
async function placesOfOthers(method: typeof doAlone, many: number) {
  const began: string[] = [];
  const jobs = begin(async (key) => void began.push(key), method);
  await jobs.stop();
  const sql = `INSERT INTO jobs (method, key, request, lane, due_time, ready)
    SELECT $1, 'many' || n, $2, $3::text, now(), $3::text IS NOT NULL FROM generate_series(1, $4::integer) AS n`;
  const request = doAlone.requestType.encode({ chore: 'many' }).finish();
  await database.query(sql, [METHOD, request, method === doAlone ? 'many' : null, many]);
  const keys = Array.from({ length: 50 }, (_, index) => `other${index}`);
  await enqueue(jobs, keys, method);
  const worker = begin(async (key) => void began.push(key), method);
  const others = () => began.flatMap((key, place) => (key.startsWith('other') ? [place] : []));
  await eventually(() => expect(others().length === 50 || began.length >= many).toBe(true));
  await worker.stop();
  return others();
}

describe('50 others behind the many jobs of one key', () => {
  it('take turns with it', async () => {
    const places = await placesOfOthers(doAlone, 5_000);
    expect(places).toHaveLength(50);
    expect(Math.max(...places)).toBeLessThan(50 * AT_ONCE);
  });

  it('wait for all of them without the bound', async () => {
    expect(Math.min(...(await placesOfOthers(FREE, 500)), Infinity)).toBeGreaterThan(500 - 2 * AT_ONCE);
  });
});

it('no more of a key run at once than its bound, in all processes together', async () => {
  const running = new Map<string, number>();
  let most = 0;
  const handle = async (key: string) => {
    const now = (running.get(key) ?? 0) + 1;
    running.set(key, now);
    most = Math.max(most, now);
    await database.query('SELECT');
    running.set(key, (running.get(key) ?? 0) - 1);
  };
  const [one, other] = [begin(handle), begin(handle)];
  for (let round = 0; round < 10; round += 1) {
    await enqueue(one, ['a', 'a', 'a', 'b', '']);
    await enqueue(other, ['a', 'b', '', '', '']);
  }
  await eventually(async () => expect(await database.query('SELECT FROM jobs')).toEqual([]));
  expect(most).toBe(2);
});

it("what has been claimed begins in the order of the methods' priorities", async () => {
  const { doChore } = ChoreServiceDefinition.methods;
  const methods = {
    doAlone: declare(doAlone, { job: {}, priority: Priority.PRIORITY_LOW }),
    doChore: declare(doChore, { job: {}, priority: Priority.PRIORITY_HIGH }),
  };
  const own = { ...ChoreServiceDefinition, methods };
  const began: string[] = [];
  const note = async ({ chore }: { readonly chore: string }) => {
    began.push(chore);
    return {};
  };
  const channel = createTestChannel({ services: [standIn(own, { doAlone: note, doChore: note })] });
  const jobs = createJobs({ database, services: [own], log, channel });
  started.push(jobs);
  await database.transaction(async (transaction) => {
    for (const method of [methods.doAlone, methods.doChore])
      for (let count = 0; count < 5; count += 1)
        await jobs.enqueue(transaction, method, { request: { chore: method.name } });
  });
  await jobs.start();
  await eventually(() => expect(began).toHaveLength(10));
  expect(began.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'DoChore'));
});

const claim = async (after = '', bound: number | null = null) => {
  const wanted = [{ method: METHOD, most: AT_ONCE, maxRunning: bound, perKey: { running: 2, after } }];
  return (await claimJobs(database, { wanted, claim: 'w1-1' }, {})).attempts;
};
const insert = (key: string, { lane, at }: { readonly lane?: string | undefined; readonly at?: Date } = {}) =>
  insertJob(database, { method: METHOD, key, request: Buffer.of(), at, traceparent: '', lane });

it('the keys after the last one that began are next, up to the bound of the method', async () => {
  for (const lane of ['a', 'b', 'c']) for (const key of ['1', '2', '3']) await insert(`${lane}${key}`, { lane });
  const first = await claim('a', 3);
  expect(first.map(({ key }) => key).toSorted()).toEqual(['b1', 'b2', 'c1']);
  expect((await claim('c', 5)).map(({ key }) => key).toSorted()).toEqual(['a1', 'a2']);
  expect((await claim('x')).map(({ key }) => key)).toEqual(['c2']);
});

it('a job whose time comes, that failed before, or that was stored before its method had a bound, is taken', async () => {
  const soon = new Date(Date.now() + 3_600_000);
  await insert('later', { lane: 'a', at: soon });
  await insert('unbound');
  expect((await claim()).map(({ key }) => key)).toEqual(['unbound']);
  await database.query("UPDATE jobs SET due_time = now() WHERE key = 'later'");
  const [later] = await claim();
  expect(later).toMatchObject({ key: 'later', lane: 'a' });
  if (later === undefined) return;
  const failure = { error: '', failed: false, backoffMs: 0, anew: false, staysInLane: true, ended: false };
  await failJob(database, later, failure);
  expect(await claim()).toMatchObject([{ key: 'later', lane: 'a', attempts: 2 }]);
});

it('a suspect keeps the place of its key', async () => {
  for (const key of ['1', '2', '3']) await insert(key, { lane: 'a' });
  await database.query("UPDATE jobs SET ends = 1 WHERE key = '1'");
  expect((await claim()).map(({ key }) => key)).toEqual(['2']);
});

const MANY = `INSERT INTO jobs (method, key, request, lane, due_time, ready, failed) SELECT '${METHOD}', n::text, '',`;
it.each([
  ['1 key of 100,000', `${MANY} 'a', now(), true, false FROM generate_series(1, 100000) AS n`],
  ['100,000 keys of one', `${MANY} n::text, now(), true, false FROM generate_series(1, 100000) AS n`],
  ['100,000 that have failed', `${MANY} n::text, now(), false, true FROM generate_series(1, 100000) AS n`],
  [
    '200,000 in the future',
    `${MANY} n::text, now() + interval '1 h', false, false FROM generate_series(1, 200000) AS n`,
  ],
])('a claim reads at most 2,000 buffers, and writes what it takes: %s', async (_, fill) => {
  await database.query(fill);
  await insert('one', { lane: 'b' });
  await database.query('VACUUM ANALYZE jobs');
  const written = async () =>
    (await database.one<{ rows: bigint }>("SELECT count(*) AS rows FROM jobs WHERE attempts > 0 OR claim <> ''")).rows;
  const buffers: number[] = [];
  let taken = 0;
  const explaining: Database = {
    ...database,
    transaction: (work, options) =>
      database.transaction(
        (transaction) =>
          work({
            ...transaction,
            async query(sql, params) {
              if (!/UPDATE jobs/.test(sql)) return await transaction.query(sql, params);
              const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`;
              const [row] = await transaction.query<{ 'QUERY PLAN': readonly { Plan: Record<string, number> }[] }>(
                explain,
                params,
              );
              const plan = row?.['QUERY PLAN'][0]?.Plan ?? {};
              buffers.push((plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0));
              taken += plan['Actual Rows'] ?? 0;
              return [];
            },
          }),
        options,
      ),
  };
  const wanted = [{ method: METHOD, most: AT_ONCE, maxRunning: null, perKey: { running: 2, after: '' } }];
  await claimJobs(explaining, { wanted, claim: 'w1-1' }, {});
  expect(buffers).toHaveLength(2);
  for (const read of buffers) expect(read).toBeLessThanOrEqual(2_000);
  expect(Number(await written())).toBe(taken);
  expect(taken).toBeGreaterThan(0);
});
