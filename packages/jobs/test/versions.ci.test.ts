/** Replicas of the version before next to those of this one: its statements, as it had them. */
import { expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { type Attempt, keyOf } from '../src/attempt.js';
import { claimHeads } from '../src/lanes.js';
import { beat } from '../src/owners.js';
import { claimJobs, failJob, insertJob, releaseJobs, renewJobs, settleJobs } from '../src/store.js';
import { eachWithDatabase } from './fixture.js';

let database: Database;
eachWithDatabase((own) => {
  database = own;
});

const OLD_INSERT = `
  INSERT INTO jobs AS stored (method, key, request, due_time, traceparent) VALUES ($1, $2, $3, coalesce($4, now()), $5)
  ON CONFLICT (method, key) DO UPDATE SET request = EXCLUDED.request, due_time = EXCLUDED.due_time,
    version = stored.version + 1, claim = NULL, attempts = 0, error = '', failed = false, progress = '',
    traceparent = EXCLUDED.traceparent, create_time = now()`;
const OLD_CLAIM = `
  UPDATE jobs SET claim = $4, attempts = attempts + 1, due_time = clock_timestamp() + $5 * interval '1 ms'
  WHERE id = ANY(ARRAY(
    SELECT picked.id FROM unnest($1::text[], $2::integer[], $3::integer[]) AS wanted (method, most, bound)
    CROSS JOIN LATERAL (
      SELECT id FROM jobs AS waiting WHERE waiting.method = wanted.method AND NOT failed AND due_time <= now()
      ORDER BY due_time
      LIMIT greatest(0, least(wanted.most, wanted.bound - (
        SELECT count(*) FROM jobs AS others WHERE others.method = wanted.method AND claim IS NOT NULL AND due_time > now())))
      FOR UPDATE SKIP LOCKED
    ) AS picked))
  RETURNING id, method, key, lane, request, version, claim, attempts, traceparent, create_time AS "createTime"`;
const OLD_LANES = `
  UPDATE jobs SET claim = $1, attempts = attempts + 1, due_time = clock_timestamp() + $2 * interval '1 ms'
  WHERE id = ANY(ARRAY(SELECT id FROM jobs WHERE NOT failed AND due_time <= now() ORDER BY due_time, id LIMIT 5 FOR UPDATE SKIP LOCKED))
  RETURNING id`;

/** The lease of a version before. */
const LEASE_MS = 30_000;
const METHOD = 'm.S/M';
const wanted = [{ method: METHOD, most: 7, maxRunning: null }];
const claimNew = async () => (await claimJobs(database, { wanted, claim: 'w2-1' }, {})).attempts;
const claimOld = () => database.query<Attempt>(OLD_CLAIM, [[METHOD], [7], [null], 'old', LEASE_MS]);
const insertNew = (key: string, at?: Date) =>
  insertJob(database, { method: METHOD, key, request: Buffer.of(), at, traceparent: '' });
const insertOld = (key: string) => database.query(OLD_INSERT, [METHOD, key, Buffer.of(), null, '']);
const FAILURE = { error: 'e', failed: false, backoffMs: 0, anew: false, staysInLane: false };

it('no job has two keys, whichever version stores and claims it', async () => {
  for (let index = 0; index < 260; index += 1) await (index % 2 === 0 ? insertOld : insertNew)(`k${index}`);
  const keys = new Map<bigint, string[]>();
  let ended = 0;
  for (let round = 0; ended < 260 && round < 1_000; round += 1) {
    const byOld = round % 3 !== 2;
    const attempts = byOld ? await claimOld() : await claimNew();
    for (const attempt of attempts) {
      const key = byOld ? `job-${attempt.id}-${attempt.version}` : keyOf(attempt);
      keys.set(attempt.id, [...(keys.get(attempt.id) ?? []), key]);
    }
    // The first attempts are given back by processes that stop, although their handlers may have run.
    const done = attempts.filter(({ id }) => keys.get(id)?.length === 3);
    const left = attempts.filter((attempt) => !done.includes(attempt));
    await settleJobs(database, done);
    await releaseJobs(database, left);
    ended += done.length;
  }
  expect(ended).toBe(260);
  expect([...keys.values()].filter((used) => new Set(used).size > 1)).toEqual([]);
  expect([...keys.values()].flat().filter((key) => /^job-\d+-1$/.test(key)).length).toBeGreaterThan(0);
});

it('a version before leaves a job alone until its time that replaced one which that version called', async () => {
  await insertOld('k');
  expect(await claimOld()).toHaveLength(1);
  await insertNew('k', new Date(Date.now() + 3_600_000));
  await database.query('UPDATE jobs SET due_time = now()'); // the lease has ended
  expect(await claimOld()).toEqual([]);
  await database.query('UPDATE jobs SET next_time = now()');
  expect(await claimOld()).toMatchObject([{ version: 2 }]);
});

it('a version before leaves suspects alone, and calls what is none', async () => {
  await insertOld('suspect');
  await insertOld('other');
  const attempts = await claimNew();
  for (const attempt of attempts) await failJob(database, attempt, { ...FAILURE, ended: attempt.key === 'suspect' });
  await database.query("UPDATE jobs SET uid = '00000000-0000-0000-0000-000000000000'"); // as if it had called them before
  expect((await claimOld()).map(({ key }) => key)).toEqual(['other']);
});

it('a version before delivers events that this one has stored and claimed, and this one those of that', async () => {
  await database.query("INSERT INTO jobs (method, key, lane, request, due_time) VALUES ('t:g', 'e', 'l', '', now())");
  const heads = () => claimHeads(database, { wanted: [{ method: 't:g', most: 5, maxRunning: null }], claim: 'c' }, {});
  const { attempts } = await heads();
  expect(attempts).toMatchObject([{ key: 'e', ends: 0, avoids: null, uid: null }]);
  await releaseJobs(database, attempts);
  expect(await database.query(OLD_LANES, ['old', LEASE_MS])).toHaveLength(1);
  await database.query('UPDATE jobs SET claim = NULL, due_time = now()');
  expect((await heads()).attempts).toHaveLength(1);
});

const beatOf = (id: string, held: readonly Attempt[] = []) => beat(database, { id, held });
/** Lets time pass for leases and heartbeats. */
async function pass(ms: number) {
  await database.query("UPDATE jobs SET due_time = due_time - $1 * interval '1 ms'", [ms]);
  await database.query("UPDATE job_owners SET heartbeat = heartbeat - $1 * interval '1 ms'", [ms]);
}
/** The worker looks for others that have ended: it has stored heartbeats for long. */
async function look(id: string) {
  await database.query('INSERT INTO job_owners VALUES ($1, now(), now()) ON CONFLICT DO NOTHING', [id]);
  await database.query("UPDATE job_owners SET since = now() - interval '1 h', heartbeat = now() WHERE id = $1", [id]);
  await beatOf(id);
}

/** As a replica claims that knows suspects, and no owners. */
async function claimBefore(): Promise<readonly Attempt[]> {
  const { attempts } = await claimJobs(database, { wanted, claim: '0123456789abcdef-1' }, {});
  await database.query("UPDATE jobs SET due_time = now() + $1 * interval '1 ms'", [LEASE_MS]);
  return attempts;
}

it.each([claimOld, claimBefore])(
  'what a version before has claimed is free by time, and by time alone: %p',
  async (claimBy) => {
    await insertOld('k');
    expect(await claimBy()).toHaveLength(1);
    await pass(LEASE_MS - 5_000);
    await look('w1');
    expect(await claimNew()).toEqual([]);
    await pass(6_000);
    expect(await claimNew()).toHaveLength(1);
  },
);

it('a version before leaves alone what runs, until this one finds that its worker has ended', async () => {
  await insertNew('k');
  await database.query("UPDATE jobs SET uid = '00000000-0000-0000-0000-000000000000'"); // as if it had called it before
  await beatOf('w2');
  const held = await claimNew();
  for (let passed = 0; passed < 20; passed += 1) {
    await pass(LEASE_MS);
    await beatOf('w2', held);
    await look('w1');
    expect(await renewJobs(database, held)).toEqual([]);
    expect(await claimOld()).toEqual([]);
  }
  await pass(6_000);
  await look('w1');
  expect(await renewJobs(database, held)).toEqual(held);
  await database.query('UPDATE jobs SET ends = 0'); // suspects are none for it
  expect(await claimOld()).toHaveLength(1);
});
