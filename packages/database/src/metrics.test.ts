import { beforeAll, expect, it } from '@jest/globals';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { filePostgres } from '../test/postgres.js';
import { meterTables, observeRow } from './metrics.js';
import { createPool } from './pool.js';
import type { Database } from './sql.js';

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

const reader = new Reader();
const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
const postgres = filePostgres();
let pool: Database;
/** Those of the latest reading. */
let faults: unknown[];

beforeAll(async () => {
  pool = postgres.pool({ url: await postgres.createDatabase(), meter, poolName: 'main', maxConnections: 2 });
});

/** The values of a metric, or its counts if it is a histogram, by its labels without the pool's name. */
async function valuesOf(name: string): Promise<unknown> {
  const { resourceMetrics, errors } = await reader.collect();
  faults = errors;
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  const points = metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  return points.map(({ attributes, value }) => {
    const { 'db.client.connection.pool.name': _pool, ...labels } = attributes;
    return [Object.values(labels).join(), typeof value === 'number' ? value : value.count];
  });
}

it('measures statements, failed ones by their SQLSTATE, and the connections of the pool', async () => {
  await pool.query('SELECT 1');
  await expect(pool.query('SELECT 1/0')).rejects.toThrow();
  expect(await valuesOf('db.client.operation.duration')).toEqual([
    ['postgresql', 1],
    ['postgresql,22012', 1],
  ]);
  expect(await valuesOf('db.client.connection.wait_time')).toEqual([['', 2]]);
  expect(await valuesOf('db.client.connection.max')).toEqual([['', 2]]);
  await pool.transaction(async () => {
    expect(await valuesOf('db.client.connection.count')).toEqual([
      ['idle', 0],
      ['used', 1],
    ]);
  });
});

it('counts the waits that end without a connection', async () => {
  let free: () => void = () => undefined;
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  const all = [0, 1].map(() => pool.transaction(() => freed));
  const waiting = pool.query('SELECT 1', [], { signal: AbortSignal.timeout(1) });
  await expect(waiting).rejects.toThrow();
  free();
  await Promise.all(all);
  expect(await valuesOf('db.client.connection.timeouts')).toEqual([['', 1]]);
});

it('observes a row when the metrics are read, and nothing while the database is away', async () => {
  const gauge = meter.createObservableGauge('oldest');
  observeRow(meter, { database: pool, sql: 'SELECT $1::float8 AS age', params: [2.5], gauges: { age: gauge } });
  const away = createPool({ url: 'postgres://nobody@127.0.0.1:1/nothing' });
  const gone = meter.createObservableGauge('gone');
  observeRow(meter, { database: away, sql: 'SELECT 1 AS age', gauges: { age: gone } });
  expect(await valuesOf('oldest')).toEqual([['', 2.5]]);
  expect(await valuesOf('gone')).toEqual([]);
  await away.close();
});

it('observes a bigint as a number, NULL as no value, and says which column is neither', async () => {
  const [rows, none, text] = ['rows', 'none', 'text'].map((name) => meter.createObservableGauge(name));
  if (rows === undefined || none === undefined || text === undefined) throw new Error('there are three');
  observeRow(meter, { database: pool, sql: 'SELECT count(*) AS rows, NULL AS none', gauges: { rows, none } });
  observeRow(meter, { database: pool, sql: 'SELECT 1.5::numeric AS text', gauges: { text } });
  expect(await valuesOf('rows')).toEqual([['', 1]]);
  expect(await valuesOf('none')).toEqual([]);
  expect(faults).toContainEqual(new TypeError('the column text of an observed row is a string: cast it to float8'));
});

it('measures the rows, the size and the oldest age of each table', async () => {
  meterTables(meter, pool);
  await pool.query('CREATE TABLE books AS SELECT generate_series(1, 1000) AS id');
  await pool.query('CREATE TABLE empty ()');
  await pool.query('ANALYZE books');
  expect(await valuesOf('rondo.database.table.rows')).toEqual([
    ['books', 1_000],
    ['empty', 0],
  ]);
  expect(await valuesOf('rondo.database.table.size')).toEqual([
    ['books', expect.any(Number)],
    ['empty', 0],
  ]);
  expect(await valuesOf('rondo.database.table.age')).toEqual([]);
  await pool.query(
    "CREATE TABLE dated AS SELECT now() - day * interval '1 day' AS create_time FROM generate_series(0, 99) AS day",
  );
  await pool.query('ANALYZE dated');
  expect(await valuesOf('rondo.database.table.age')).toEqual([['dated', expect.closeTo(99 * 86_400, -4)]]);
});
