import type { Clock, Random, Timer } from '@rondo/rpc/clock';

/** One day longer than contracts promise (AIP-155), to allow for clock differences. */
const KEPT_DAYS = 31;
const EVERY_MS = 3_600_000;
const BATCH = 1_000;
/** Maximum per round; the next round removes the rest. */
const MAX_BATCHES = 100;

/** The table of processed requests. It has `request_id`, `create_time`, and the scope of an id. */
export interface RequestTable {
  readonly table: string;
  /** The column within which an id is unique, such as `method`. */
  readonly scope: string;
}

/** Runs the statements; a pool of `@rondo/database` fits. */
export interface TrimmedDatabase {
  one<Row extends object>(
    sql: string,
    params: readonly string[],
    options: { readonly signal: AbortSignal | undefined },
  ): Promise<Row>;
}

/** Options of trimming. */
export interface RequestTrimOptions {
  readonly requests: RequestTable;
  readonly clock: Clock;
  /** Spreads the replicas' rounds. */
  readonly random: Random;
  readonly onError: (error: unknown) => void;
}

/**
 * Removes requests that may no longer be repeated, about every hour. `close` stops it and waits for the current round.
 */
export function startRequestTrim(
  database: TrimmedDatabase,
  { requests, clock, random, onError }: RequestTrimOptions,
): { close(): Promise<void> } {
  const ending = new AbortController();
  let timer: Timer | undefined;
  let running: Promise<void> = Promise.resolve();

  const wait = (): void => {
    timer = clock.setTimer(EVERY_MS * (0.5 + random.next()), () => {
      running = trimRequests(database, requests, ending.signal)
        .catch((error: unknown) => (ending.signal.aborted ? undefined : onError(error)))
        .then(() => (ending.signal.aborted ? undefined : wait()));
    });
  };
  wait();
  return {
    close() {
      ending.abort();
      timer?.cancel();
      return running;
    },
  };
}

/** Removes old requests in batches, to avoid long transactions. It removes nothing while another replica does. */
export async function trimRequests(
  database: TrimmedDatabase,
  requests: RequestTable,
  signal?: AbortSignal,
): Promise<void> {
  const sql = trimSql(requests);
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const { removed } = await database.one<{ removed: bigint }>(sql, [`rondo trims ${requests.table}`], { signal });
    if (removed < BATCH) return;
  }
}

/** One replica at a time: the others find the lock taken and remove nothing. */
function trimSql({ table, scope }: RequestTable): string {
  return `
    WITH mine AS MATERIALIZED (
      SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine
    ), oldest AS (
      SELECT ${scope}, request_id FROM ${table}
      WHERE (SELECT mine FROM mine) AND create_time < now() - make_interval(days => ${KEPT_DAYS})
      ORDER BY create_time LIMIT ${BATCH}
    ), removed AS (
      DELETE FROM ${table} USING oldest
      WHERE ${table}.${scope} = oldest.${scope} AND ${table}.request_id = oldest.request_id
      RETURNING 1
    )
    SELECT count(*) AS removed FROM removed`;
}
