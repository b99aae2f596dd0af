import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createPool, type Database, migrate } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { deferred } from '../../rpc/test/support/wait.js';
import { StepRefused, transactionsSchema } from '../src/exports/index.js';
import { createOperatorService } from '../src/operator-service.js';
import type { StepContext } from '../src/saga/advance.js';
import { createSagas, type Sagas } from '../src/saga/sagas.js';
import { eventually, NO_LIMIT } from './cluster.js';

const postgres = filePostgres();
let database: Database;
let done: string[];
let processes: Sagas[];

beforeEach(async () => {
  done = [];
  processes = [];
  database = createPool({ url: await postgres.createDatabase() });
  await migrate(database, { part: transactionsSchema.name, migrations: transactionsSchema.migrations });
});
afterEach(async () => {
  await Promise.all(processes.map((sagas) => sagas.close()));
  await database.close();
});

type Fault = (step: string, context: StepContext<{ order: string }>) => unknown;

/** Throws errors at steps. */
const failing =
  (errors: Readonly<Record<string, Error>>): Fault =>
  (step) => {
    if (errors[step] !== undefined) throw errors[step];
  };

const STEPS = ['a', 'b', 'c'];

/** A process that knows a saga of three steps. */
function startProcess(
  fault: Fault = () => undefined,
  { maxAttempts = 12, over = database, steps = STEPS, log = silentLogger, timeoutMs = 8_000 } = {},
) {
  const sagas = createSagas({ database: over, log, maxAttempts });
  processes.push(sagas);
  const step = (name: string) => ({
    name,
    timeoutMs,
    run: async (context: StepContext<{ order: string }>) => {
      await fault(name, context);
      done.push(`${name} ${context.key}`);
      return { [name]: context.input.order };
    },
    compensate: async (context: StepContext<{ order: string }>) => {
      await fault(`undo ${name}`, context);
      done.push(`undo ${name} ${context.key}`);
    },
  });
  const cancel = sagas.define({ kind: 'cancel', steps: steps.map(step) });
  sagas.start();
  return { sagas, cancel };
}

const begin = ({ sagas, cancel }: ReturnType<typeof startProcess>, id = 's') =>
  database
    .transaction((transaction) => cancel.start(transaction, { id, subject: 'orders/7', input: { order: '7' } }))
    .finally(() => sagas.nudge());

const stateOf = async (id = 's') => await database.maybeOne('SELECT state, results FROM sagas WHERE id = $1', [id]);
const finished = (state: string, id?: string) =>
  eventually(async () => expect(await stateOf(id)).toMatchObject({ state }));

describe('a saga', () => {
  it('runs its steps in order, each with the earlier results and its own key', async () => {
    const seen: unknown[] = [];
    const process = startProcess((name, { results }) => seen.push([name, results]));
    await begin(process);
    await finished('done');
    expect(done).toEqual(['a s/a', 'b s/b', 'c s/c']);
    expect(seen).toEqual([
      ['a', {}],
      ['b', { a: { a: '7' } }],
      ['c', { a: { a: '7' }, b: { b: '7' } }],
    ]);
    await begin(process);
    expect(await process.sagas.list(NO_LIMIT)).toEqual([]);
    expect(done).toHaveLength(3);
  });

  it('does not exist if the transaction that starts it is rolled back', async () => {
    const { cancel } = startProcess();
    const failing = database.transaction(async (transaction) => {
      await cancel.start(transaction, { id: 's', subject: '', input: { order: '7' } });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stateOf()).toBeUndefined();
  });

  it('retries a failed step with the same key', async () => {
    let failures = 2;
    const keys: string[] = [];
    const process = startProcess((name, { key }) => {
      if (name !== 'b') return;
      keys.push(key);
      if (failures-- > 0) throw new Error('away');
    });
    await begin(process);
    await finished('done');
    expect(keys).toEqual(['s/b', 's/b', 's/b']);
    expect(done).toEqual(['a s/a', 'b s/b', 'c s/c']);
  });

  it('compensates the steps if one refuses, the last first', async () => {
    const process = startProcess(failing({ c: new StepRefused('it is shipped') }));
    await begin(process);
    await finished('compensated');
    expect(done).toEqual(['a s/a', 'b s/b', 'undo c s/c', 'undo b s/b', 'undo a s/a']);
    expect(await database.one('SELECT error FROM sagas')).toEqual({ error: 'c: it is shipped' });
  });

  it("continues at the step where its process died, also if the database's clock went back by an hour", async () => {
    const process = startProcess(failing({ b: new Error('dying') }));
    await begin(process);
    await eventually(async () => expect((await process.sagas.list(NO_LIMIT))[0]?.attempts).toBe(1));
    await process.sagas.close();
    await database.query("UPDATE sagas SET due_time = due_time + interval '1 hour'");
    startProcess();
    await finished('done');
    expect(done).toEqual(['a s/a', 'b s/b', 'c s/c']);
  });

  it('runs once with any number of processes', async () => {
    const replicas = [startProcess(), startProcess(), startProcess()];
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => begin(replicas[index % 3] ?? startProcess(), `s${index}`)),
    );
    for (let index = 0; index < 12; index += 1) await finished('done', `s${index}`);
    expect(done).toHaveLength(36);
    expect(new Set(done).size).toBe(36);
  });

  it('parks or compensates whatever text a failure has', async () => {
    const process = startProcess(
      (name, { sagaId }) => {
        if (name === 'b') throw sagaId === 'refused' ? new StepRefused(`\0${'x'.repeat(1_000)}`) : new Error('a\0b');
      },
      { maxAttempts: 1 },
    );
    await begin(process, 'refused');
    await begin(process, 'failed');
    await finished('compensated', 'refused');
    await eventually(async () =>
      expect(await process.sagas.list(NO_LIMIT)).toMatchObject([{ parked: true, attempts: 1, error: 'a\ufffdb' }]),
    );
    const { error } = await database.one<{ error: string }>("SELECT error FROM sagas WHERE id = 'refused'");
    expect(error).toBe(`b: \ufffd${'x'.repeat(496)}`);
  });

  it('ends its step before its process stops, although the database refused the state of another', async () => {
    const [running, ended, refused] = [deferred(), deferred(), deferred()];
    const query: Database['query'] = (sql, ...rest) => {
      if (!sql.includes('attempts = attempts + 1')) return database.query(sql, ...rest);
      refused.resolve();
      return Promise.reject(new Error('the database is away'));
    };
    const process = startProcess(
      async (name, { sagaId }) => {
        if (name !== 'b') return;
        if (sagaId === 'failed') await running.promise.then(() => Promise.reject(new Error('no')));
        running.resolve();
        await ended.promise;
      },
      { over: { ...database, query } },
    );
    await database.transaction(async (transaction) => {
      for (const id of ['failed', 'slow'])
        await process.cancel.start(transaction, { id, subject: '', input: { order: '7' } });
    });
    process.sagas.nudge();
    await refused.promise;
    await turn(); // the round has ended by then, if it doesn't wait
    const closing = process.sagas.close().then(() => done.push('closed'));
    ended.resolve();
    await closing;
    expect(done.slice(-2)).toEqual(['b slow/b', 'closed']);
  });

  it('waits for an operator after too many failures, and continues where it stopped', async () => {
    let broken = true;
    const process = startProcess(
      (name) => {
        if (name === 'b' && broken) throw new Error('unreachable');
      },
      { maxAttempts: 2 },
    );
    const services = [createOperatorService({ sagas: process.sagas })];
    const client = createClient(CoordinatorServiceDefinition, { channel: createTestChannel({ services }) });
    await begin(process);
    await eventually(async () => {
      expect((await client.listSagas({})).sagas).toMatchObject([
        { id: 's', kind: 'cancel', subject: 'orders/7', state: 3, step: 'b', attempts: 2, error: 'unreachable' },
      ]);
    });
    broken = false;
    expect(await client.retrySaga({ id: 's' })).toMatchObject({ state: 1, step: 'b' });
    await finished('done');
    expect(done).toEqual(['a s/a', 'b s/b', 'c s/c']);
    await expect(client.retrySaga({ id: 's' })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    await expect(client.resolveTransaction({ id: 's', outcome: 1 })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  });
});

describe('a deploy', () => {
  const DEPLOYS = [
    ['a step in front', ['x', 'a', 'b', 'c']],
    ['a step at the end', ['a', 'b', 'c', 'x']],
    ['a step less', ['a', 'c']],
    ['a rollback to fewer steps', ['a', 'b']],
    ['another name', ['a', 'x', 'c']],
  ] as const;

  /** Starts a process with other steps, and waits until it has had the chance to run the saga `s`. */
  async function startNew(steps: readonly string[]) {
    await database.query("UPDATE sagas SET due_time = now() - interval '1 minute'");
    const process = startProcess(undefined, { steps: [...steps] });
    await begin(process, 'new');
    await finished('done', 'new');
    done = done.filter((line) => !line.includes(' new/'));
    return process;
  }

  it.each(DEPLOYS)('leaves a running saga to replicas with its steps: %s', async (_name, steps) => {
    const old = startProcess(failing({ b: new Error('away') }));
    await begin(old);
    await eventually(async () => expect((await old.sagas.list(NO_LIMIT))[0]?.attempts).toBeGreaterThan(0));
    await old.sagas.close();
    const { sagas } = await startNew(steps);
    const reason = `it began with the steps a, b, c, and this version has ${steps.join(', ')}: run a version with its steps until it is finished`;
    expect(await sagas.list(NO_LIMIT)).toMatchObject([
      { id: 's', parked: true, stepName: 'b', error: `${reason}; away` },
    ]);
    expect(await sagas.retry('s', NO_LIMIT)).toMatchObject({ parked: true, error: reason });
    startProcess();
    await finished('done');
    expect(done).toEqual(['a s/a', 'b s/b', 'c s/c']);
  });

  it.each(DEPLOYS)('leaves a compensation to replicas with its steps: %s', async (_name, steps) => {
    const old = startProcess(failing({ c: new StepRefused('it is shipped'), 'undo c': new Error('away') }));
    await begin(old);
    await eventually(async () =>
      expect(await old.sagas.list(NO_LIMIT)).toMatchObject([{ state: 'compensating', error: 'away' }]),
    );
    await old.sagas.close();
    const { sagas } = await startNew(steps);
    expect(await sagas.list(NO_LIMIT)).toMatchObject([{ id: 's', parked: true, stepName: 'c' }]);
    startProcess();
    await finished('compensated');
    expect(done).toEqual(['a s/a', 'b s/b', 'undo c s/c', 'undo b s/b', 'undo a s/a']);
  });

  it('runs each saga with the steps of its start while replicas with other steps run, too', async () => {
    const lists = [STEPS, ['x', ...STEPS], ['a', 'b']];
    const replicas = [...lists, ...lists].map((steps) => startProcess(undefined, { steps }));
    await Promise.all(replicas.map((replica, index) => begin(replica, `s${index}`)));
    for (const index of replicas.keys()) await finished('done', `s${index}`);
    const ran = replicas.map((_, index) => done.filter((line) => line.includes(` s${index}/`)).map((line) => line[0]));
    expect(ran).toEqual([...lists, ...lists]);
  });

  // What the version before this column stored, and the steps of this version.
  const running = (step: number, ...names: string[]) => ({ state: 'running', step, names, error: '' });
  const undoing = (step: number, names: string[], error: string) => ({ state: 'compensating', step, names, error });
  it.each([
    [running(0), ['x', 'a', 'b', 'c'], ['x', 'a', 'b', 'c']],
    [running(2, 'a', 'b'), ['a', 'b', 'c'], ['c']],
    [running(1, 'a'), ['a', 'b', 'c', 'x'], ['b', 'c', 'x']],
    [running(1, 'a'), ['x', 'a', 'b', 'c'], 'a contradiction'],
    [running(2, 'a', 'b'), ['a', 'x', 'b', 'c'], 'a contradiction'],
    [running(2, 'a', 'b'), ['a', 'b'], 'a contradiction'],
    [running(2, 'a', 'b'), ['a', 'c'], 'a contradiction'],
    [running(1, 'a', 'b'), ['a', 'b', 'c'], 'a contradiction'],
    [undoing(2, ['a', 'b'], 'c: no'), ['a', 'b', 'c'], ['undo c', 'undo b', 'undo a']],
    [undoing(1, ['a', 'b'], 'away'), ['a', 'b', 'x'], ['undo b', 'undo a']],
    [undoing(2, ['a', 'b'], 'c: no'), ['a', 'b', 'x'], 'a contradiction'],
    [undoing(2, ['a', 'b'], 'c: no'), ['a', 'b'], 'a contradiction'],
    [undoing(0, ['a', 'b'], 'c: no'), ['x', 'a', 'b', 'c'], 'a contradiction'],
  ])('runs a row without names unless the row contradicts its steps: %j, %j', async (row, steps, expected) => {
    const results = Object.fromEntries(row.names.map((name) => [name, null]));
    await database.query(
      `INSERT INTO sagas (id, kind, subject, input, results, state, step, error) VALUES ('s', 'cancel', '', '{"order": "7"}', $1, $2, $3, $4)`,
      [JSON.stringify(results), row.state, row.step, row.error],
    );
    const { sagas } = await startNew(steps);
    if (expected === 'a contradiction') {
      const error = expect.stringContaining(`this version's steps ${steps.join(', ')}`);
      expect(await sagas.list(NO_LIMIT)).toMatchObject([{ id: 's', parked: true, error }]);
      expect(done).toEqual([]);
      expect(await stateOf()).toMatchObject({ state: row.state, results });
      expect(await claimedBefore()).toEqual([{ id: 's' }]);
      return;
    }
    await finished(row.state === 'running' ? 'done' : 'compensated');
    expect(done).toEqual(Array.from(expected, (name) => `${name} s/${name.at(-1)}`));
  });

  /** The claim of the version before the column. */
  const claimedBefore = () =>
    database.query(
      `UPDATE sagas SET due_time = now() WHERE state IN ('running', 'compensating') AND NOT parked AND kind = ANY($1) RETURNING id`,
      [['cancel']],
    );

  it('is hidden from replicas of the version before, which run by index', async () => {
    const process = startProcess(failing({ b: new Error('away') }));
    await database.query(
      `INSERT INTO sagas (id, kind, subject, input, state) VALUES ('old', 'cancel', '', '{}', 'running')`,
    );
    await begin(process);
    await eventually(async () =>
      expect(await process.sagas.list(NO_LIMIT)).toMatchObject([
        { kind: 'cancel', stepName: 'b' },
        { kind: 'cancel', stepName: 'b' },
      ]),
    );
    expect(await claimedBefore()).toEqual([]);
  });

  it('logs which sagas wait for other steps', async () => {
    const { cancel, sagas } = startProcess();
    await sagas.close();
    await database.transaction((tx) => cancel.start(tx, { id: 's', subject: '', input: { order: '7' } }));
    const logged = deferred<unknown>();
    const log = { ...silentLogger, warn: (_fields: unknown, line = '') => logged.resolve(line) };
    startProcess(undefined, { steps: ['a', 'b'], log });
    expect(await logged.promise).toMatch(
      /^sagas of the kind cancel wait: .* a, b, c, .* a, b: run a version with its steps/,
    );
  });
});

describe('the steps of a saga', () => {
  it.each([
    [{ timeoutMs: 8_001 }, /step "a": timeoutMs must be from 1 to 8000, and is 8001; split longer work/],
    [{ timeoutMs: 0 }, /timeoutMs must be from 1 to 8000/],
    [{ steps: ['a', 'a'] }, /two steps have the name "a"; name each step differently/],
  ])('are refused at their definition: %j', (options, message) => {
    expect(() => startProcess(undefined, options)).toThrow(message);
  });

  it('are aborted at their time-out', async () => {
    const aborted = (_name: string, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const process = startProcess(aborted, { maxAttempts: 1, timeoutMs: 1 });
    await begin(process);
    await eventually(async () => expect(await process.sagas.list(NO_LIMIT)).toMatchObject([{ parked: true }]));
  });

  it("don't hold up other sagas while they run", async () => {
    const [running, ended] = [deferred(), deferred()];
    const process = startProcess(async (name, { sagaId }) => {
      if (name !== 'a' || sagaId !== 'slow') return;
      running.resolve();
      await ended.promise;
    });
    await begin(process, 'slow');
    await running.promise;
    await begin(process);
    await finished('done').finally(() => ended.resolve());
    await finished('done', 'slow');
  });
});
