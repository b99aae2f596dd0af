/** Runs whose engine is dropped at each edge of each step, while replies are lost. The variable `ROUNDS` says how often at each edge. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { HireRequest } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createOutcomeStore, type Database, type Queries } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { silentLogger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import type { Run } from '../src/exports/index.js';
import { conduct } from '../src/runs/conduct.js';
import { newId } from '../src/runs/operation.js';
import { PostgresRun } from '../src/runs/postgres-store.js';
import { startRun } from '../src/runs/rows.js';
import { createStepCaller } from '../src/runs/step-caller.js';
import { account, calledServices, createRunTables, desk, hiring, payroll, put } from './runs-fixture.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 2);

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

/** Ten steps over three services. `wild`: calls without keys. `step`: a plain step in the place of a transaction. */
const tenSteps = ({ wild = false, step = false }, database: Database) =>
  hiring(async (run: Run, person) => {
    const entry = (name: string) => ({ entry: `${person} ${name}` });
    const own = (name: string) => run.transaction(name, (tx) => put(tx, `${person} ${name}`));
    const call = wild ? account.writeAgain : account.write;
    const options = wild ? { atLeastOnce: true } : {};
    await run.call('1', call, entry('1'), options);
    await run.call('2', desk.write, entry('2'));
    await own('3');
    await run.call('4', payroll.write, entry('4'));
    await Promise.all([run.call('5', call, entry('5'), options), own('6')]);
    await run.call('7', desk.write, entry('7'));
    await (step ? run.step('8', () => put(database, `${person} 8`)) : own('8'));
    await run.call('9', payroll.write, entry('9'));
    await own('10');
    return 'hired';
  });

/** An engine is dropped at an edge: before or after a statement or a call, whose effect may have happened. It goes no further. */
class Engine {
  readonly #dropAt: number;
  passed = 0;
  drop: () => void = () => undefined;
  readonly dropped = new Promise<void>((resolve) => {
    this.drop = resolve;
  });

  constructor(dropAt: number) {
    this.#dropAt = dropAt;
  }

  /** A transaction that is dropped is rolled back, as its connection breaks. */
  async edge<T>(work: () => Promise<T>, inTransaction = false): Promise<T> {
    await this.#pass(inTransaction);
    const result = await work();
    await this.#pass(inTransaction);
    return result;
  }

  async #pass(inTransaction: boolean): Promise<void> {
    this.passed += 1;
    if (this.passed < this.#dropAt) return;
    this.drop();
    if (inTransaction) throw new Error('the connection breaks');
    await new Promise(() => undefined);
  }

  database(inner: Database): Database {
    const own = (queries: Queries, inTransaction: boolean): Queries => ({
      query: (...given) => this.edge(() => queries.query(...given), inTransaction),
      one: (...given) => this.edge(() => queries.one(...given), inTransaction),
      maybeOne: (...given) => this.edge(() => queries.maybeOne(...given), inTransaction),
    });
    return {
      ...inner,
      ...own(inner, false),
      transaction: (work, options) =>
        this.edge(() => inner.transaction((tx) => work({ ...tx, ...own(tx, true) }), options)),
    };
  }

  /** A channel whose replies are lost at random, after their calls took effect. */
  channel(inner: Channel, lost: number): Channel {
    const middleware: Channel['middleware'] = [
      (call, next) =>
        this.edge(async () => {
          const reply = await next(call);
          if (systemRandom.next() < lost) throw new RpcError(Status.UNAVAILABLE, 'the reply is lost');
          return reply;
        }),
    ];
    return { ...inner, middleware };
  }
}

/** Drops the engine at each edge once, lets another one end the run, and counts the effects. */
async function effectsOf({ wild = false, step = false } = {}) {
  const database = await createRunTables(await postgres.createDatabase());
  const outcomes = createOutcomeStore(database);
  const channel = createTestChannel({ services: calledServices(database), outcomes });
  const workflow = tenSteps({ wild, step }, database);
  const method = 'rondo.conformance.v1.HiringService/Hire';
  let claims = 0;
  /** Executes the run once. Resolves to the number of edges. */
  const execute = async (id: string, dropAt: number, lost: number) => {
    claims += 1;
    const claim = 'UPDATE jobs SET claim = $2, attempts = 1 WHERE key = $1 RETURNING id, claim, key, attempts, ends';
    const [attempt] = await database.query<ConstructorParameters<typeof PostgresRun>[0]['attempt']>(claim, [
      id,
      `c${claims}`,
    ]);
    if (attempt === undefined) return 0;
    const engine = new Engine(dropAt);
    const store = new PostgresRun({
      database: engine.database(database),
      attempt,
      retentionMs: 60_000,
      onMoved: () => undefined,
    });
    const caller = createStepCaller(() => engine.channel(channel, lost));
    const { signal } = new AbortController();
    const common = { attempts: 1, maxAttempts: 100, random: systemRandom, log: silentLogger };
    const conducted = conduct({ workflow, name: id, store, caller, signal, ...common });
    await Promise.race([conducted, engine.dropped]);
    return engine.passed;
  };
  const runs: string[] = [];
  const run = async (dropAt: number, lost: number) => {
    const id = newId(new Date(), systemRandom.hex(10));
    const request = HireRequest.encode({ person: `run ${runs.push(id)}` }).finish();
    const empty = { caller: '', fingerprint: new Uint8Array(32), traceparent: '', at: undefined };
    await startRun(database, { ...empty, id, method, key: id, request });
    const edges = await execute(id, dropAt, 0);
    while ((await execute(id, Infinity, lost)) > 0);
    return edges;
  };
  const edges = await run(Infinity, 0);
  const drops = Array.from({ length: edges }, (_, index) => 1 + index);
  const drop = async () => {
    for (let at = drops.pop(); at !== undefined; at = drops.pop()) await run(at, 0.1);
  };
  await Promise.all([drop(), drop(), drop(), drop()]);
  const ended = 'SELECT FROM workflow_runs WHERE code = 0 AND end_time IS NOT NULL';
  expect(await database.query(ended)).toHaveLength(runs.length);
  const rows = await database.query<{ entry: string; times: bigint }>(
    'SELECT entry, count(*) AS times FROM effects GROUP BY entry',
  );
  await outcomes.close();
  await database.close();
  const twice = rows.filter(({ times }) => times !== 1n).map(({ entry }) => entry);
  return { edges, runs: runs.length, effects: rows.length, twice };
}

it.each(Array.from({ length: ROUNDS }, (_, index) => index + 1))(
  'the effect of each step happens once, wherever the engine is dropped, and every run ends: round %i',
  async () => {
    const { edges, runs, effects, twice } = await effectsOf();
    expect(edges).toBeGreaterThan(60);
    expect(runs).toBe(1 + edges);
    expect(effects).toBe(10 * runs);
    expect(twice).toEqual([]);
  },
);

it('controls: calls without keys happen twice, and so does a plain step', async () => {
  const { twice } = await effectsOf({ wild: true, step: true });
  const of = (step: string) => twice.filter((entry) => entry.endsWith(` ${step}`)).length;
  expect(of('1') + of('5')).toBeGreaterThan(0);
  expect(of('8')).toBeGreaterThan(0);
  expect(twice).toHaveLength(of('1') + of('5') + of('8'));
});
