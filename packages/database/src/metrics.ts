import type { Attributes, BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api';
import { sqlStateOf } from './errors.js';
import type { Database, SqlValue } from './sql.js';

/** What a pool tells of its connections. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** Times the statements of one pool, and the waits for its connections. */
export interface PoolMetrics {
  /** A wait for a connection has ended. */
  waited(durationMs: number, error: unknown): void;
  /** A statement has ended. */
  ran(durationMs: number, error: unknown): void;
}

/** In seconds, as OpenTelemetry's conventions recommend. */
const BOUNDARIES: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** Reading the metrics never waits longer for a database. */
const OBSERVE_TIMEOUT_MS = 1_000;

/**
 * Meters a pool by the names of OpenTelemetry's conventions, `db.client.*`. No label has a statement's text, which may be personal.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/db/database-metrics/
 */
export function meterPool(
  meter: Meter,
  pool: PoolCounts,
  { name, maxConnections }: { readonly name: string; readonly maxConnections: number },
): PoolMetrics {
  const labels = { 'db.client.connection.pool.name': name };
  observeConnections(meter, pool, { labels, maxConnections });
  const advice = { explicitBucketBoundaries: [...BOUNDARIES] };
  const waits = meter.createHistogram('db.client.connection.wait_time', {
    unit: 's',
    description: 'How long it took to get a connection of the pool.',
    advice,
  });
  const timeouts = meter.createCounter('db.client.connection.timeouts', {
    unit: '{timeout}',
    description: 'The waits for a connection of the pool that ended without one.',
  });
  const durations = meter.createHistogram('db.client.operation.duration', {
    unit: 's',
    description:
      'How long statements took, without the wait for a connection; with error.type, the SQLSTATE, if they failed.',
    advice,
  });
  const statement = { ...labels, 'db.system.name': 'postgresql' };
  const failed = new Map<string, Attributes>();
  const failedAs = (error: unknown): Attributes => {
    const type = sqlStateOf(error) ?? '_OTHER';
    const known = failed.get(type) ?? { ...statement, 'error.type': type };
    failed.set(type, known);
    return known;
  };
  return {
    waited(durationMs, error) {
      if (error === undefined) waits.record(durationMs / 1_000, labels);
      else timeouts.add(1, labels);
    },
    ran: (durationMs, error) => durations.record(durationMs / 1_000, error === undefined ? statement : failedAs(error)),
  };
}

function observeConnections(
  meter: Meter,
  pool: PoolCounts,
  { labels, maxConnections }: { readonly labels: Attributes; readonly maxConnections: number },
): void {
  const connections = meter.createObservableUpDownCounter('db.client.connection.count', {
    unit: '{connection}',
    description: 'The connections of the pool, by state: used or idle.',
  });
  connections.addCallback((result) => {
    const state = 'db.client.connection.state';
    result.observe(pool.idleCount, { ...labels, [state]: 'idle' });
    result.observe(pool.totalCount - pool.idleCount, { ...labels, [state]: 'used' });
  });
  const most = meter.createObservableUpDownCounter('db.client.connection.max', {
    unit: '{connection}',
    description: 'The most connections that the pool opens.',
  });
  most.addCallback((result) => result.observe(maxConnections, labels));
  const pending = meter.createObservableUpDownCounter('db.client.connection.pending_requests', {
    unit: '{request}',
    description: 'The waits for a connection of the pool. Set an alert if it stays above 0.',
  });
  pending.addCallback((result) => result.observe(pool.waitingCount, labels));
}

/** A row of numbers that is read whenever the metrics are. */
export interface ObservedRow<Column extends string> {
  readonly database: Pick<Database, 'query'>;
  /** Its only row has a number or a bigint in each column, or NULL for no value. */
  readonly sql: string;
  readonly params?: readonly SqlValue[];
  readonly labels?: Attributes;
  /** The gauge of each column. */
  readonly gauges: Readonly<Record<Column, ObservableGauge>>;
}

/**
 * Meters a row of the database. While the database is away, its gauges have no value, and neither have they if a column is no number, which
 * the log of the exporter tells.
 */
export function observeRow<Column extends string>(meter: Meter, row: ObservedRow<Column>): void {
  const { database, sql, params, labels, gauges } = row;
  const columns = Object.entries<ObservableGauge>(gauges);
  meter.addBatchObservableCallback(
    async (result) => {
      const read = { signal: AbortSignal.timeout(OBSERVE_TIMEOUT_MS) };
      const [row] = await database.query<Record<string, unknown>>(sql, params, read);
      for (const [column, gauge] of columns) {
        const value = row?.[column] ?? undefined;
        if (value !== undefined) result.observe(gauge, toNumber(column, value), labels);
      }
    },
    columns.map(([, gauge]) => gauge),
  );
}

/** Statistics know the rows and the oldest one: to look for them would read the whole table. */
const TABLES = `
  SELECT relname AS name, n_live_tup::float8 AS rows, pg_total_relation_size(relid)::float8 AS bytes, (
      SELECT extract(epoch FROM now() - min((coalesce(histogram_bounds::text, most_common_vals::text)::text[])[1]::timestamptz))::float8
      FROM pg_stats JOIN pg_attribute USING (attname)
      WHERE schemaname = tables.schemaname AND tablename = relname AND attrelid = relid AND atttypid = 'timestamptz'::regtype
        AND attname IN ('create_time', 'update_time', 'expire_time')
    ) AS age
  FROM pg_stat_user_tables AS tables WHERE schemaname = current_schema() ORDER BY relname LIMIT 200`;

interface TableSize {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Null for a table without a time, or without statistics. */
  readonly age: number | null;
}

/** Meters the tables of a service, its own and those of its parts: whether pruning keeps up, and what is left to the service. */
export function meterTables(meter: Meter, database: Pick<Database, 'query'>): void {
  const rows = meter.createObservableGauge('rondo.database.table.rows', {
    unit: '{row}',
    description: 'The rows of each table, as autovacuum and ANALYZE estimate them.',
  });
  const age = meter.createObservableGauge('rondo.database.table.age', {
    unit: 's',
    description:
      'The age of the oldest row of each table, as ANALYZE estimates it; of call_outcomes since its end, so it is below 0 before.',
  });
  const size = meter.createObservableGauge('rondo.database.table.size', {
    unit: 'By',
    description:
      'The space of each table on disk, with its indexes. Set an alert if it grows faster than the disk allows.',
  });
  const observe = async (result: BatchObservableResult): Promise<void> => {
    const read = { signal: AbortSignal.timeout(OBSERVE_TIMEOUT_MS) };
    for (const table of await database.query<TableSize>(TABLES, [], read)) {
      const labels = { 'db.collection.name': table.name };
      result.observe(rows, table.rows, labels);
      result.observe(size, table.bytes, labels);
      if (table.age !== null) result.observe(age, table.age, labels);
    }
  };
  meter.addBatchObservableCallback(observe, [rows, size, age]);
}

function toNumber(column: string, value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new TypeError(`the column ${column} of an observed row is a ${typeof value}: cast it to float8`);
}
