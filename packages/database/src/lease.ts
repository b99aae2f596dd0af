import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { cancelStatement } from './cancel.js';
import { classify, DatabaseUnavailable, OutdatedPlan } from './errors.js';
import type { Generations } from './generation.js';
import { type Bounds, withBounds } from './with-bounds.js';
import type { SqlValue } from './sql.js';

const CANCEL_TIMEOUT_MS = 2_000;

/** One connection, held by one caller until `release`. */
export interface Lease {
  /** Runs one statement, prepared where it has a name; when its bounds end it, the server is told to stop and the connection is given up. */
  run<Row extends object>(
    sql: string,
    params: readonly SqlValue[],
    bounds: Bounds & { readonly name?: string | undefined },
  ): Promise<QueryResult<Row & QueryResultRow>>;
  /** Runs several statements without parameters. */
  script(sql: string, bounds: Bounds): Promise<void>;
  /** Gives the connection up, also while a statement runs; later statements fail. */
  abandon(): void;
  /** The first fault of a statement on this lease. */
  firstFault(): unknown;
  /** Hands the connection back to the pool; does nothing after `abandon`. */
  release(): void;
}

/** The connections that are leased. */
export interface Leasing {
  readonly pool: Pool;
  readonly generations: Generations;
}

/** Takes a connection from the pool, waiting no longer than the bounds allow; those that are outdated it closes. */
export async function acquire({ pool, generations }: Leasing, bounds: Bounds): Promise<Lease> {
  for (;;) {
    const client = await connect(pool, bounds);
    if (!generations.isOutdated(client)) return createLease(client, generations);
    client.release(true);
  }
}

async function connect(pool: Pool, bounds: Bounds): Promise<PoolClient> {
  const { signal } = bounds;
  signal?.throwIfAborted();
  const connecting = pool.connect();
  const handBack = (): void => {
    connecting.then(
      (client) => client.release(),
      () => undefined, // it failed after nobody was waiting any more: there is nothing to hand back
    );
  };
  try {
    return await withBounds(connecting, bounds, handBack);
  } catch (error) {
    throw classifyUnlessAborted(error, signal);
  }
}

/** The reason of an abort is the caller's own and reaches it as it is. */
function classifyUnlessAborted(error: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted && error === signal.reason ? error : classify(error);
}

function createLease(client: PoolClient, generations: Generations): Lease {
  let ended = false;
  let fault: unknown;
  // The driver wants one statement at a time; a caller may send several, as with Promise.all.
  let last: Promise<unknown> = Promise.resolve();

  const abandon = (): void => {
    if (ended) return;
    ended = true;
    // The connection is never reused, so a cancellation that arrives late can't hit somebody else's statement; the
    // slot in the pool stays taken until the server has been told, which bounds the server's connections.
    void cancelStatement(client, CANCEL_TIMEOUT_MS).then(() => client.release(true));
  };

  const send = async <T>(start: () => Promise<T>, bounds: Bounds): Promise<T> => {
    bounds.signal?.throwIfAborted();
    if (ended) throw fault ?? new DatabaseUnavailable('the connection was given up');
    try {
      return await withBounds(start(), bounds, abandon);
    } catch (error) {
      const classified = classifyUnlessAborted(error, bounds.signal);
      fault ??= classified;
      if (classified instanceof OutdatedPlan) generations.end(client);
      throw classified;
    }
  };
  const inTurn = <T>(start: () => Promise<T>, bounds: Bounds): Promise<T> => {
    const next = () => send(start, bounds);
    const turn = last.then(next, next);
    last = turn;
    return turn;
  };

  return {
    // Always the extended protocol: it refuses a second statement in the text.
    run: <Row extends object>(
      sql: string,
      params: readonly SqlValue[],
      bounds: Bounds & { name?: string | undefined },
    ) => {
      const query = { text: sql, values: [...params], queryMode: 'extended', name: bounds.name };
      return inTurn(() => client.query<Row & QueryResultRow>(query), bounds);
    },
    script: (sql, bounds) => inTurn(async () => void (await client.query(sql)), bounds),
    abandon,
    firstFault: () => fault,
    release: () => {
      if (ended) return;
      ended = true;
      // The driver hears of the end of a connection later than of the error that comes before it.
      client.release(fault instanceof DatabaseUnavailable || generations.isOutdated(client));
    },
  };
}
