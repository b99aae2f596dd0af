import { createPruning } from '@rondo/base';
import type { Database, OperatorAudit, Queries, SqlValue, Transaction } from '@rondo/database';
import { runOutsideScope, type ServerCall } from '@rondo/rpc/call';
import { type PartOptions, processOf } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import type { Part, ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { hiddenByRule } from '../../list.js';
import { createStoreDatabase } from '../../sql/store-database.js';
import { auditedCall, auditing, COLUMNS, eventOf, valuesOf } from './event.js';
import { auditService } from './list.js';
import { createRefusals } from './refusals.js';
import { auditSchema } from './schema.js';

/** Options of {@link createAudit}. The clock must not keep the process alive. */
export interface AuditOptions extends PartOptions {
  /** The service's own database; it has the table of `auditSchema`. */
  readonly database: Database & PartOptions['database'];
  /** Whether calls are audited. Earlier events can be listed even if not, until they are removed. */
  readonly enabled: boolean;
  /** After how many days events are removed. */
  readonly retentionDays: number;
}

/** A database whose transactions are the effects of calls. */
interface Transacting {
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** The database of a service: the transactions of its `context` are the effects of calls. */
interface Opened {
  readonly context: { readonly database: Transacting };
}

/** The audit of a service. */
export interface Audit extends Part, OperatorAudit {
  /** Middleware outside of the checks of callers: it notes which call is running, and which were refused. Empty if audit is off. */
  readonly observers: readonly Middleware<ServerCall>[];
  /**
   * The database, each of whose transactions ends with an event of the call that it serves. Of what `openDatabase` has opened, these are the
   * transactions of its `context`, and the parts that take it tell the audit what operators do.
   */
  over<D extends Opened>(database: D): D & { readonly audit: Pick<Audit, 'record'> };
  over<D extends Transacting>(database: D): D;
  /**
   * Writes an event of the present call into a transaction that isn't one of {@link Audit.over}. It does nothing outside of an
   * audited call.
   *
   * @param result what the transaction returns: the resource of a create has its name only there.
   */
  record(transaction: Pick<Queries, 'query'>, result?: unknown): Promise<void>;
  /**
   * Removes expired events, in batches. This also happens by itself about every ten minutes. While another replica
   * removes events, it does nothing.
   */
  prune(signal?: AbortSignal): Promise<void>;
  /** Writes what waits, and stops removing old events. */
  stop(): Promise<void>;
  /** @deprecated The name that `stop` had in 0.2. */
  close(): Promise<void>;
  /** @deprecated The only one of `services`: `rondo.audit.v1.AuditService`. */
  readonly service: ServiceImplementation;
}

const INSERT = `INSERT INTO audit_events (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;

/** Creates the audit of a service. */
export function createAudit(options: AuditOptions): Audit {
  const { database, enabled, retentionDays } = options;
  const { log, clock, wallClock } = processOf(options);
  const refusals = runOutsideScope(() => createRefusals(database, { log, clock }));
  const pruning = createPruning((signal) => prune(database, retentionDays, signal), {
    onError: (error) => log.warn({ err: error }, 'old audit events could not be removed'),
  });
  const record = async (transaction: Pick<Queries, 'query'>, result?: unknown): Promise<void> => {
    const call = auditedCall();
    if (call === undefined) return;
    const values = valuesOf(eventOf(call, Status.OK, result));
    await transaction.query(INSERT, values, { name: 'rondo_audit_insert' });
  };
  const observe: Middleware<ServerCall> = async (call, next) => {
    try {
      return await (call.method.policy.idempotency === 'no_side_effects'
        ? next(call)
        : auditing(call, () => next(call)));
    } catch (error) {
      if (isRefusal(error, call)) refusals.add({ event: eventOf(call, error.code), time: wallClock.now() });
      throw error;
    }
  };
  const recorded = <D extends Transacting>(inner: D): D => {
    if (!enabled) return inner;
    const transaction: Transacting['transaction'] = (work) =>
      inner.transaction(async (opened) => {
        const result = await work(opened);
        await record(opened, result);
        return result;
      });
    return { ...inner, transaction };
  };
  function over<D extends Opened>(inner: D): D & { readonly audit: Pick<Audit, 'record'> };
  function over<D extends Transacting>(inner: D): D;
  function over(inner: Opened | Transacting) {
    if (!('context' in inner)) return recorded(inner);
    return { ...inner, context: { ...inner.context, database: recorded(inner.context.database) }, audit: { record } };
  }
  const service = auditService(createStoreDatabase(database).reads);
  const stop = async () => void (await Promise.all([refusals.close(), pruning.close()]));
  return {
    name: 'the audit',
    schema: [auditSchema],
    services: [service],
    service,
    stop,
    close: stop,
    observers: enabled ? [observe] : [],
    over,
    record,
    prune: (signal) => prune(database, retentionDays, signal),
  };
}

const REFUSED: readonly Status[] = [Status.PERMISSION_DENIED, Status.UNAUTHENTICATED];

function isRefusal(error: unknown, call: ServerCall): error is RpcError {
  return error instanceof RpcError && (REFUSED.includes(error.code) || call.values.get(hiddenByRule) !== undefined);
}

/** An event as a part of a statement that does all the work of a call by itself. */
export interface AuditInsert {
  /** The number of the first of the eight parameters of {@link auditParams}. */
  readonly params: number;
  /** The relation with one row if the work was done, and none if it wasn't. */
  readonly from: string;
}

/** The INSERT of the event of a call, for the `WITH` clause of its only statement. */
export function auditSql({ params, from }: AuditInsert): string {
  const types = ['text', 'text', 'text', 'text[]', 'text', 'text', 'smallint', 'text'];
  const values = types.map((type, index) => `$${params + index}::${type}`);
  return `INSERT INTO audit_events (${COLUMNS}) SELECT ${values.join(', ')} FROM ${from}`;
}

/** The parameters of {@link auditSql}; undefined if the present call isn't audited, so that its statement needs no such part. */
export function auditParams(result: unknown): readonly SqlValue[] | undefined {
  const call = auditedCall();
  return call && valuesOf(eventOf(call, Status.OK, result));
}

const BATCH = 1_000;

/** One batch of the oldest, by one replica at a time. */
const PRUNE = `
  WITH mine AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended('rondo prunes audit_events', 0)) AS mine
  ), oldest AS (
    SELECT sequence, create_time FROM audit_events
    WHERE (SELECT mine FROM mine) AND create_time >= $1 AND create_time < clock_timestamp() - make_interval(days => $2)
    ORDER BY create_time LIMIT ${BATCH}
  ), removed AS (
    DELETE FROM audit_events USING oldest WHERE audit_events.sequence = oldest.sequence RETURNING audit_events.create_time
  )
  SELECT count(*) AS removed, coalesce(max(create_time), $1) AS until FROM removed`;

async function prune(database: Database, days: number, signal?: AbortSignal): Promise<void> {
  let from = new Date(0);
  for (;;) {
    const { removed, until } = await database.one<{ removed: bigint; until: Date }>(PRUNE, [from, days], { signal });
    if (removed < BATCH) return;
    from = until;
  }
}

/** What the environment says of an audit: the values of `auditVariables` of `@rondo/service`; a test may leave them out. */
export interface AuditSettings {
  /** The days for which events are kept, or `on` for 90. Undefined: an audit while `auth` is on. */
  readonly audit?: number | 'on' | 'off' | undefined;
  readonly auth?: 'on' | 'off';
}

/** The options of `createAudit` by the environment. */
export function auditBy({ auth = 'off', audit = auth }: AuditSettings) {
  return { enabled: audit !== 'off', retentionDays: typeof audit === 'number' ? audit : 90 };
}
