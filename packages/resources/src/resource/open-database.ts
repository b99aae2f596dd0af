import { backgroundClock, systemClock, systemRandom, systemWallClock } from '@rondo/base';
import {
  createOutcomeStore,
  createPool,
  createReadiness,
  type Database,
  describeUrl,
  meterTables,
  outcomesSchema,
  type PartDatabase,
  type PoolOptions,
  type PostgresOutcomes,
} from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { PartContext } from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import { createStoreDatabase } from '../sql/store-database.js';
import { syncSchema } from '../sync/schema.js';
import { createSync, type Sync } from '../sync/sync.js';
import type { ResourceContext } from './hooks.js';
import { requireTables, type StoredResource } from './require-tables.js';

/** The options of {@link openDatabase}. Pass the context of the service with them: its log, clocks, chance, channel and meter. */
export interface DatabaseOptions
  extends Partial<PartContext>,
    Pick<PoolOptions, 'maxConnections' | 'connectTimeoutMs' | 'statementTimeoutMs' | 'lockTimeoutMs'> {
  readonly log: Logger;
  /** The name of the service, as PostgreSQL shows its connections. */
  readonly name: string;
  /** The database: `postgres://role:password@host:port/database`. */
  readonly url: string;
  /** The folder with the migrations of the service. */
  readonly migrations: URL;
  /** How long the database may be away, such as during a restart, before the service refuses calls, in milliseconds; default 10,000. */
  readonly graceMs?: number;
}

/** The database of a service, as one of its parts. It is available once all migrations are applied and it answers. */
export interface ServiceDatabase extends PartDatabase, Part {
  /** What the service gave to it, for the parts that take the database. */
  readonly process: PartContext;
  /** What the methods of resources work with. */
  readonly context: ResourceContext & { readonly now: () => Date };
  /** The outcomes of calls with idempotency keys. */
  readonly outcomes: PostgresOutcomes;
  /** Publishes changes to watches now. Call it after the commit of a transaction that appended changes itself. */
  nudge(): void;
  /** Resolves if the database answers. */
  check: Database['check'];
  reserve: NonNullable<PartDatabase['reserve']>;
  /** Ends what works in the background, and closes all connections. */
  close(): Promise<void>;
}

/** The database of a service with resources, whose changes it publishes to watches. */
export interface ResourceDatabase extends ServiceDatabase {
  readonly context: ServiceDatabase['context'] & { readonly sync: Sync };
}

/** 80 bits: an id is short in a name and can't be guessed. */
const ID_BYTES = 10;

/**
 * Opens the database of a service. It connects on first use, so the database may start later than the service. With `resources`, their tables
 * must be there once the migrations are applied, and watches follow their changes.
 *
 * Pass `currentWorkLimits()` of `@rondo/rpc/call` as the options of each query and transaction of a call. It then ends with the call, and until
 * then it waits for a database that restarts. The transaction of a call with an idempotency key takes effect once.
 */
export function openDatabase(
  options: DatabaseOptions & { readonly resources: readonly StoredResource[] },
): ResourceDatabase;
export function openDatabase(options: DatabaseOptions): ServiceDatabase;
export function openDatabase({
  name,
  migrations,
  graceMs = 10_000,
  resources,
  ...options
}: DatabaseOptions & { readonly resources?: readonly StoredResource[] }): ServiceDatabase {
  const { url, log, clock = systemClock, wallClock = systemWallClock, random = systemRandom, meter } = options;
  const warn = (what: string) => (error: unknown) => log.warn({ err: error }, what);
  const onError = warn('a connection to the database broke');
  // Shorter than the deadlines of calls.
  const pool = createPool({ lockTimeoutMs: 2_000, ...options, applicationName: name, onError });
  const outcomes = createOutcomeStore(pool, { onError: warn('old outcomes could not be removed') });
  if (meter) meterTables(meter, pool);
  const background = { log, clock: backgroundClock(clock), random, meter };
  const sync = resources && createSync({ database: pool, url, ...background });
  const nudge = () => sync?.nudge();
  const newId = () => random.hex(ID_BYTES);
  const context = { database: createStoreDatabase(pool, nudge), newId, now: () => wallClock.now() };
  const close = async () => {
    await sync?.close();
    await outcomes.close();
    await pool.close();
  };
  return {
    ...pool,
    name: `the ${describeUrl(url)}`,
    graceMs,
    schema: sync ? [outcomesSchema, syncSchema] : [outcomesSchema],
    process: { ...options, clock, wallClock, random },
    context: sync ? { ...context, sync } : context,
    outcomes,
    nudge,
    reserve: (bounds) => createPool({ ...options, ...bounds, applicationName: name, onError }),
    async start({ signal, schema }) {
      const tell = { log: (line: string) => log.info({}, line), warn: (line: string) => log.warn({}, line) };
      await createReadiness(pool, { directory: migrations, parts: schema, ...tell }).prepare(signal);
      if (resources) await requireTables(pool, resources);
    },
    close,
    stop: close,
  };
}
