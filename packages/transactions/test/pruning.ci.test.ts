import { beforeAll, expect, it } from '@jest/globals';
import type { Database } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { silentLogger } from '@rondo/rpc/call';
import { ManualClock } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { createCoordinator } from '../src/coordinator/coordinator.js';
import { createParticipant } from '../src/exports/index.js';
import { createSagas } from '../src/saga/sagas.js';
import { createNetwork, openBooks, TRUSTED } from './cluster.js';

const DAYS = 60;
/** More than one statement deletes. */
const A_DAY = 1_200;
const MINUTE_MS = 60_000;

/** A day's work: transactions that all participants have confirmed, one they haven't, and one an operator has to look at. */
const WORK = `
  INSERT INTO transaction_log (id, coordinator, kind, subject, state, decision, participants, expire_time, due_time)
    SELECT 'log-' || $1 || '-' || n, 'home', 'book', '', state, decision, '[]', now() + interval '1 year', now() + interval '1 year'
    FROM (SELECT n, CASE n WHEN 1 THEN 'committing' WHEN 2 THEN 'conflict' WHEN 3 THEN 'aborted' ELSE 'committed' END AS state,
      CASE n WHEN 3 THEN 'aborted' ELSE 'committed' END AS decision FROM generate_series(1, ${A_DAY}) AS n) AS made`;
const BRANCHES = `
  INSERT INTO transaction_branches (gid, outcome)
    SELECT 'gid-' || $1 || '-' || n, CASE WHEN n % 2 = 0 THEN 'aborted' ELSE 'committed' END FROM generate_series(1, ${A_DAY}) AS n`;
const SAGAS = `
  INSERT INTO sagas (id, kind, subject, input, state, parked)
    SELECT 'saga-' || $1 || '-' || n, 'refund', '', '{}', CASE n WHEN 1 THEN 'running' ELSE 'done' END, n = 1
    FROM generate_series(1, ${A_DAY}) AS n`;

const postgres = filePostgres();
let database: Database;
beforeAll(async () => {
  database = await openBooks(postgres);
});

const count = async (table: string, where = 'TRUE') =>
  (await database.one<{ count: number }>(`SELECT count(*)::int AS count FROM ${table} WHERE ${where}`)).count;

it('logs stay as small as their retention over months, and nothing unconfirmed is forgotten', async () => {
  const clock = new ManualClock();
  const { channel } = createNetwork();
  const options = { database, log: silentLogger, clock };
  const coordinator = createCoordinator({ ...options, name: 'home', channel });
  const participant = createParticipant({ ...options, name: 'books', coordinators: TRUSTED, operations: [] });
  const sagas = createSagas(options);
  for (const part of [coordinator, participant, sagas]) part.start();
  const tables = ['transaction_log', 'transaction_branches', 'sagas'];
  for (let day = 0; day < DAYS; day += 10) {
    // Ten days go by.
    for (const table of tables)
      await database.query(`UPDATE ${table} SET update_time = update_time - interval '10 days'`);
    for (const work of [WORK, BRANCHES, SAGAS]) await database.query(work, [`${day}`]);
    await eventually('nothing is left to prune', async () => {
      await clock.advance(MINUTE_MS);
      const old = ["update_time < now() - interval '7 days' AND state IN ('committed', 'aborted')"];
      const kept = "update_time < now() - interval '30 days'";
      const left = [
        await count('transaction_log', old[0]),
        await count('transaction_branches', kept),
        await count('sagas', `${kept} AND state = 'done'`),
      ];
      return left.every((rows) => rows === 0);
    });
    expect(await count('transaction_log')).toBeLessThan(A_DAY + DAYS);
    expect(await count('transaction_branches')).toBeLessThanOrEqual(4 * A_DAY);
    expect(await count('sagas')).toBeLessThan(4 * A_DAY + DAYS);
  }
  const unconfirmed = DAYS / 10;
  expect(await count('transaction_log', "state IN ('committing', 'conflict')")).toBe(2 * unconfirmed);
  expect(await count('sagas', "state = 'running'")).toBe(unconfirmed);
  await Promise.all([coordinator.close(), participant.close(), sagas.close()]);
  channel.close();
});
