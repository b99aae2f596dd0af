/** The order in which outcomes are recorded is that in which the function has them, also if a commit takes long. */
import { expect, it } from '@jest/globals';
import type { Database, Queries } from '@rondo/database';
import { waitFor } from '@rondo/rpc/client';
import { type Run, RunFailed } from '../src/exports/index.js';
import { eachWithRuns, hire, put } from './runs-fixture.js';

let database: Database;
const { begin, effects, passed } = eachWithRuns((own) => {
  database = own;
});

/** A database whose statements and commits wait for what is given. */
const slow = (inner: Database, before: { query?: (sql: string) => Promise<void>; commit?: () => Promise<void> }) => {
  const own = (queries: Queries): Pick<Queries, 'query'> => ({
    query: async (sql, ...given) => {
      await before.query?.(sql);
      return await queries.query(sql, ...given);
    },
  });
  const database: Database = {
    ...inner,
    ...own(inner),
    transaction: (work, options) =>
      inner.transaction(async (tx) => {
        const made = await work({ ...tx, ...own(tx) });
        await before.commit?.();
        return made;
      }, options),
  };
  return database;
};

it('a race between a step and a transaction whose commit takes long ends as it does when the function is called again', async () => {
  const seen: string[] = [];
  let placed = () => {};
  const isPlaced = new Promise<void>((resolve) => {
    placed = resolve;
  });
  let commits = false;
  const runsDatabase = slow(database, {
    async commit() {
      if (!commits) return;
      commits = false;
      placed();
      await new Promise((resolve) => setTimeout(resolve, 300)); // in which the step would be recorded, if it could
    },
  });
  let failed = false;
  const process = begin(
    async (run: Run) => {
      const transaction = run.transaction('transaction', async () => {
        commits = true;
        return 'transaction';
      });
      const step = run.step('step', async () => {
        await isPlaced;
        return 'step';
      });
      const first = await Promise.race([transaction, step]);
      seen.push(first);
      await Promise.all([transaction, step]);
      await run.step('again', () => {
        if (failed) return;
        failed = true;
        throw new Error('the printer is out of paper');
      });
      return first;
    },
    { runsDatabase },
  );
  const operation = await process.client.hire({ person: 'ada' });
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'transaction' });
  expect(seen).toEqual(['transaction', 'transaction']);
});

it.each([
  ['fails again', true],
  ['succeeds', false],
])('a transaction that failed for good, and whose record was not complete, %s', async (_how, failsAgain) => {
  let breaks = true;
  let attempts = 0;
  const runsDatabase = slow(database, {
    async query(sql) {
      if (!breaks || !sql.includes('UPDATE workflow_steps')) return;
      breaks = false;
      throw new Error('the connection breaks');
    },
  });
  const process = begin(
    async (run) => {
      await run.transaction('a', async (tx) => {
        attempts += 1;
        await put(tx, 'a');
        if (failsAgain || attempts === 1) throw new RunFailed('no account');
      });
      return 'done';
    },
    { runsDatabase },
  );
  const operation = await process.client.hire({ person: 'ada' });
  const ended = waitFor(hire, operation, { channel: process.doors }).catch((error: Error) => error.message);
  await passed(ended);
  expect(await ended).toEqual(failsAgain ? 'no account' : { text: 'done' });
  expect(await effects()).toEqual(failsAgain ? [] : ['a']);
  expect(attempts).toBe(2);
});
