/** A replica that has lost a run records nothing, and another goes on with it. */
import { expect, it } from '@jest/globals';
import { HireRequest } from '@rondo/contracts/rondo/conformance/v1/workflows';
import type { Database } from '@rondo/database';
import { waitFor } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { newId } from '../src/runs/operation.js';
import { PostgresRun } from '../src/runs/postgres-store.js';
import { startRun } from '../src/runs/rows.js';
import { ClaimLost, type RunStore } from '../src/runs/store.js';
import { eventually } from './fixture.js';
import { eachWithRuns, hire, put } from './runs-fixture.js';

let database: Database;
const { begin, effects } = eachWithRuns((own) => {
  database = own;
});

const outcome = { code: 0, bytes: null };
const step = { name: 'b', kind: 'transaction', undoing: false } as const;

it.each<[string, (store: RunStore) => Promise<unknown>]>([
  ['load', (store) => store.load()],
  ['begin', (store) => store.begin({ ...step, kind: 'step' })],
  ['end', (store) => store.end({ name: 'a', place: 1, outcome })],
  [
    'transaction',
    (store) =>
      store.transaction(step, async (tx) => {
        await put(tx, 'b');
        return { name: 'b', place: 1, outcome };
      }),
  ],
  ['advance', (store) => store.advance(['a'], 1)],
  ['fail', (store) => store.fail({ code: 9, bytes: null })],
  ['finish', (store) => store.finish(outcome)],
  ['retry', (store) => store.retry({ error: 'late', waitMs: 1, attempts: 1 })],
  ['block', (store) => store.block('late', 'a')],
])('%s by a process that has lost the run changes nothing', async (_name, late) => {
  const id = newId(new Date(), systemRandom.hex(10));
  const run = { id, key: id, method: 'rondo.conformance.v1.HiringService/Hire', caller: '', traceparent: '' };
  const request = HireRequest.encode({ person: 'ada' }).finish();
  await startRun(database, { ...run, fingerprint: new Uint8Array(32), request, at: undefined });
  const claim = async (by: string) => {
    const sql = 'UPDATE jobs SET claim = $1 RETURNING id, claim, key, attempts, ends';
    const attempt = await database.one<ConstructorParameters<typeof PostgresRun>[0]['attempt']>(sql, [by]);
    return new PostgresRun({ database, attempt, retentionMs: 60_000, onMoved: () => undefined });
  };
  const frozen = await claim('first');
  await frozen.load();
  await frozen.begin({ name: 'a', kind: 'sleep', undoing: false, ms: 0 });
  await claim('second');
  const stored = async () => {
    const tables = ['jobs', 'workflow_runs', 'workflow_steps', 'workflow_signals', 'effects'];
    return await Promise.all(tables.map((table) => database.query(`SELECT * FROM ${table}`)));
  };
  const before = await stored();
  await expect(late(frozen)).rejects.toBeInstanceOf(ClaimLost);
  expect(await stored()).toEqual(before);
});

/** A database of a process that can be frozen. */
function freezable(inner: Database) {
  let thaw = () => {};
  let frozen = Promise.resolve();
  const freeze = () => {
    frozen = new Promise((resolve) => {
      thaw = resolve;
    });
  };
  const own: Database = {
    ...inner,
    query: (...given) => frozen.then(() => inner.query(...given)),
    one: (...given) => frozen.then(() => inner.one(...given)),
    maybeOne: (...given) => frozen.then(() => inner.maybeOne(...given)),
    transaction: (...given) => frozen.then(() => inner.transaction(...given)),
  };
  return { own, freeze, thaw: () => thaw() };
}

it('another replica goes on with the run of a frozen one, which records nothing once it thaws', async () => {
  const one = freezable(database);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let began = 0;
  const first = begin(
    async (run) => {
      await run.transaction('a', (tx) => put(tx, 'a'));
      await run.step('b', async () => {
        began += 1;
        await held;
        return 'by the frozen replica';
      });
      await run.transaction('c', (tx) => put(tx, 'c of the frozen replica'));
      return 'by the frozen replica';
    },
    { runsDatabase: one.own },
  );
  const operation = await first.client.hire({ person: 'ada' });
  await eventually(() => expect(began).toBe(1));
  one.freeze();
  const second = begin(async (run) => {
    await run.transaction('a', (tx) => put(tx, 'a again'));
    const made = await run.step('b', () => 'by the other replica');
    await run.transaction('c', (tx) => put(tx, 'c'));
    return made;
  });
  await eventually(async () => expect(await database.query('SELECT FROM job_owners')).toHaveLength(2));
  // Time passes: the heartbeats of the first are old, and the second has seen them for a while.
  await database.query(
    "UPDATE job_owners SET since = now() - interval '1 min', heartbeat = CASE WHEN '2.' || id = (SELECT split_part(claim, '-', 1) FROM jobs) THEN now() - interval '30 s' ELSE heartbeat END",
  );
  expect(await waitFor(hire, operation, { channel: second.doors })).toEqual({ text: 'by the other replica' });
  const steps = () => database.query('SELECT * FROM workflow_steps ORDER BY name');
  const before = await steps();
  release();
  one.thaw();
  await first.close(); // once what it does has ended
  expect(await steps()).toEqual(before);
  expect(await effects()).toEqual(['a', 'c']);
  expect(await waitFor(hire, operation, { channel: second.doors })).toEqual({ text: 'by the other replica' });
});
