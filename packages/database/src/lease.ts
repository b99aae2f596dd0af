import { connect } from 'node:net';
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { classify, DatabaseUnavailable, OutdatedPlan } from './errors.js';
import type { SqlValue } from './sql.js';
import { type Bounds, withBounds } from './with-bounds.js';

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
interface Leasing {
  readonly pool: Pool;
  readonly generations: Generations;
}

/** Takes a connection from the pool, waiting no longer than the bounds allow; those that are outdated it closes. */
export async function acquire({ pool, generations }: Leasing, bounds: Bounds): Promise<Lease> {
  for (;;) {
    const client = await takeClient(pool, bounds);
    if (!generations.isOutdated(client)) return createLease(client, generations);
    client.release(true);
  }
}

async function takeClient(pool: Pool, bounds: Bounds): Promise<PoolClient> {
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

/**
 * Which connections of a pool have been there since before the last migration that outdated what they had prepared. One
 * statement that is refused tells it of all of them: none of the older ones is used again.
 */
export class Generations {
  #current = 0;
  readonly #of = new WeakMap<PoolClient, number>();

  /** Counts a new connection to the present generation. */
  add(client: PoolClient): void {
    this.#of.set(client, this.#current);
  }

  /** Whether its generation has ended. */
  isOutdated(client: PoolClient): boolean {
    return (this.#of.get(client) ?? 0) < this.#current;
  }

  /** Ends the generation of `client`; no effect where that has ended: many connections are refused at the same time. */
  end(client: PoolClient): void {
    if (!this.isOutdated(client)) this.#current += 1;
  }
}

const CANCEL_REQUEST_CODE = 80877102;
const CANCEL_REQUEST_BYTES = 16;

/**
 * Asks the server to end what `client` is running. Resolves when the server has taken the request or couldn't be asked
 * within `timeoutMs`; never rejects, as `statement_timeout` ends the statement all the same.
 *
 * It is the protocol's own CancelRequest (PostgreSQL manual, 54.2.9), not `pg_cancel_backend`: it needs no free
 * connection, and cancelling matters most when there is none.
 */
function cancelStatement(client: PoolClient, timeoutMs: number): Promise<void> {
  const request = cancelRequest(client);
  if (request === undefined) return Promise.resolve();
  const { host, port } = client;
  return new Promise((resolve) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('connect', () => socket.end(request));
    // The server answers by closing, and 'close' follows only when that end has been read.
    socket.resume();
  });
}

/** Undefined where the server gave no key, as some poolers do. */
function cancelRequest(client: PoolClient): Buffer | undefined {
  const processId = 'processID' in client ? client.processID : undefined;
  const secretKey = 'secretKey' in client ? client.secretKey : undefined;
  if (typeof processId !== 'number' || typeof secretKey !== 'number') return undefined;
  const packet = Buffer.alloc(CANCEL_REQUEST_BYTES);
  packet.writeInt32BE(CANCEL_REQUEST_BYTES, 0);
  packet.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  packet.writeInt32BE(processId, 8);
  packet.writeInt32BE(secretKey, 12);
  return packet;
}
