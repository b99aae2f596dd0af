import { tracingChannel } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { CommitOutcomeUnknown, classify, DatabaseUnavailable, OutdatedPlan, READ_ONLY, sqlStateOf } from './errors.js';
import { breakOff, type Hosts } from './hosts.js';
import type { PoolMetrics } from './metrics.js';
import type { SqlValue } from './sql.js';
import { createTypes, exact } from './types.js';
import { type Bounds, withBounds } from './with-bounds.js';

const CANCEL_TIMEOUT_MS = 2_000;
/** Publishes each statement, with its text and without its parameters: `@rondo/rpc/tracing` makes spans of them. */
const statements = tracingChannel<unknown, { readonly text: string; readonly database: string | undefined }>(
  'rondo.database.statement',
);
/** How often a statement that runs looks whether another host has become the primary. Milliseconds. */
const SLOW_MS = 1_000;
const TYPES = createTypes();
/** The function of the server that warns if a commit didn't wait for its standby to the end. The text depends on the server's language. */
const STANDBY_WAIT = 'SyncRepWaitForLSN';
const UNCONFIRMED = 'PostgreSQL has committed, but no standby confirmed it: a failover may undo it';

/** Limits of a statement, and what it does. */
export interface StatementBounds extends Bounds {
  /** Whether it ends a transaction with writes, also one of its own. */
  readonly mayCommit?: boolean;
  /** The name under which it is prepared. */
  readonly name?: string | undefined;
  /** Whether the next statement is sent without waiting for the answer, if the driver pipelines. */
  readonly pipelined?: boolean | undefined;
  /** Once it aborts, the statement isn't sent any more. If it was sent, it goes on. */
  readonly unless?: AbortSignal | undefined;
}

/** One connection, held by one caller until `release`. */
export interface Connection {
  /** Runs one statement, prepared if it has a name. When its bounds end it, it is cancelled and the connection is closed. */
  run<Row extends object>(
    sql: string,
    params: readonly SqlValue[],
    bounds: StatementBounds,
  ): Promise<QueryResult<Row & QueryResultRow>>;
  /**
   * Begins a transaction. If the driver pipelines, the first statement is sent without waiting for the answer. If PostgreSQL refuses to
   * begin, that statement runs by itself: the connection is closed, and no other one follows.
   */
  begin(sql: string, bounds: Bounds): Promise<void>;
  /** Runs several statements without parameters. */
  script(sql: string, bounds: Bounds): Promise<void>;
  /** Closes the connection, even while a statement runs; later statements fail. */
  abandon(): void;
  /** The first error of a statement since one succeeded, such as the `ROLLBACK TO` of a savepoint. */
  firstFault(): unknown;
  /** Returns the connection to the pool; no effect after `abandon`. */
  release(): void;
}

/** Where connections come from. */
interface ConnectionSource {
  readonly pool: Pick<Pool, 'connect'>;
  /** The hosts that the pool connects to; undefined if they aren't known. */
  readonly hosts?: Hosts | undefined;
  readonly generations: Generations;
  /** Its name; undefined if it isn't known. */
  readonly database?: string | undefined;
  /** How long an aborted statement may go on before it is cancelled. */
  readonly abortGraceMs: number;
  readonly metrics?: PoolMetrics | undefined;
  /** Called when the server has answered a statement, also by an error. */
  readonly onAnswer: () => void;
  /** Aborts when the pool is closed. */
  readonly closing: AbortSignal;
}

/** Takes a connection from the pool within the bounds. It closes outdated connections. */
export async function acquire(source: ConnectionSource, bounds: Bounds): Promise<Connection> {
  const { metrics } = source;
  for (;;) {
    const client = await timed(takeClient(source, bounds), metrics?.waited);
    source.generations.add(client);
    if (isCurrent(client, source)) return createConnection(client, source);
    client.release(true);
  }
}

/** Whether neither a migration nor a failover has outdated the connection. */
const isCurrent = (client: PoolClient, { hosts, generations }: Pick<ConnectionSource, 'hosts' | 'generations'>) =>
  !generations.isOutdated(client) && !hosts?.isReplaced(client);

/**
 * Ends the pool's connections that are as outdated as the one with this fault. A server that only reads has lost all its connections'
 * work to another one. With several hosts, so may a server with any other fault.
 */
function endOutdated(
  client: PoolClient,
  fault: unknown,
  source: Pick<ConnectionSource, 'hosts' | 'generations'>,
): void {
  const { hosts, generations } = source;
  const isLost = sqlStateOf(fault) === READ_ONLY || (hosts && fault instanceof DatabaseUnavailable);
  if (!isCurrent(client, source) || !(fault instanceof OutdatedPlan || isLost)) return;
  generations.end();
  if (isLost) hosts?.leave(hosts.url);
}

/**
 * Looks for a later primary while a statement runs, also after its caller has left: if commits that wait for a standby have all
 * connections, no new connection finds that primary.
 */
function lookDuring(statement: Promise<unknown>, hosts: Hosts): void {
  const looking = setInterval(() => hosts.look(), SLOW_MS);
  const stop = () => clearInterval(looking);
  statement.then(stop, stop);
}

/** Tells how long `work` takes from now on, and how it ends. */
async function timed<T>(work: Promise<T>, ended?: (durationMs: number, error: unknown) => void): Promise<T> {
  const startedAt = performance.now();
  try {
    const result = await work;
    ended?.(performance.now() - startedAt, undefined);
    return result;
  } catch (error) {
    ended?.(performance.now() - startedAt, error);
    throw error;
  }
}

async function takeClient({ pool, hosts }: ConnectionSource, bounds: Bounds): Promise<PoolClient> {
  const { signal } = bounds;
  signal?.throwIfAborted();
  const connect = () => pool.connect();
  const connecting = hosts === undefined ? connect() : hosts.first(connect);
  const handBack = (): void => {
    connecting.then(
      (client) => client.release(),
      () => undefined, // it failed after the wait had ended: there is no connection to return
    );
  };
  try {
    return await withBounds(connecting, bounds, handBack);
  } catch (error) {
    throw classifyUnlessAborted(error, signal);
  }
}

/** The reason of an abort belongs to the caller, which gets it unchanged. */
function classifyUnlessAborted(error: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted && error === signal.reason ? error : classify(error);
}

/** Takes it out of its pool, also while a statement runs. */
function drop(client: PoolClient): void {
  client.release(true);
  breakOff(client);
}

function createConnection(
  client: PoolClient,
  { hosts, generations, database, abortGraceMs, metrics, onAnswer, closing }: ConnectionSource,
): Connection {
  let ended = false;
  let fault: unknown;
  let isUnconfirmed = false;
  const onNotice = ({ routine }: { readonly routine?: string | undefined }): void => {
    isUnconfirmed ||= routine === STANDBY_WAIT;
  };
  client.on('notice', onNotice);
  // A caller may send several statements at once, as with Promise.all. Each waits for the one before, as its time limit begins when it is sent.
  let last: Promise<unknown> = Promise.resolve();
  let sent = last;

  const abandon = (): void => {
    if (ended) return;
    ended = true;
    // A late cancellation hits no other caller's statement. The slot stays taken until the server has the request.
    if (hosts?.isReplaced(client)) drop(client);
    else void cancelStatement(client, CANCEL_TIMEOUT_MS).then(() => drop(client));
  };
  // To cancel a commit that waits for a standby would make it visible before it is safe. Its slot stays taken until it ends.
  const leaveCommit = (): void => {
    if (ended) return;
    ended = true;
    void Promise.allSettled([withBounds(sent, { signal: closing }, () => undefined)]).then(() => drop(client));
  };

  const send = async <T>(start: () => Promise<T>, bounds: StatementBounds, recovers = false): Promise<T> => {
    (bounds.signal ?? bounds.unless)?.throwIfAborted();
    if (ended) throw fault ?? new DatabaseUnavailable('the connection was closed');
    const started = start();
    sent = started;
    if (hosts) lookDuring(started, hosts);
    try {
      const giveUp = hosts && bounds.mayCommit ? leaveCommit : abandon;
      const running = withBounds(started, { ...bounds, abortGraceMs }, giveUp);
      const answer = await timed(running, metrics?.ran);
      onAnswer();
      if (isUnconfirmed) throw new CommitOutcomeUnknown(UNCONFIRMED);
      if (recovers && !(fault instanceof DatabaseUnavailable)) fault = undefined;
      return answer;
    } catch (error) {
      const classified = classifyUnlessAborted(error, bounds.signal);
      fault ??= classified;
      if (sqlStateOf(classified) !== undefined) onAnswer();
      endOutdated(client, classified, { hosts, generations });
      throw classified;
    }
  };
  const enqueue = <T>(start: () => Promise<T>, bounds: StatementBounds): Promise<T> => {
    const next = () => send(start, bounds, !bounds.mayCommit);
    const turn = last.then(next, next);
    if (!(client.pipeline && bounds.pipelined)) last = turn;
    return turn;
  };

  const observed = <T>(text: string, start: () => Promise<T>): Promise<T> =>
    statements.hasSubscribers ? statements.tracePromise(start, { text, database }) : start();
  const scripted = (sql: string) => () => observed(sql, async () => void (await client.query(sql)));

  return {
    // Always the extended protocol, which refuses a second statement in the text.
    run: <Row extends object>(sql: string, params: readonly SqlValue[], bounds: StatementBounds) => {
      const query = { text: sql, values: params.map(exact), queryMode: 'extended', name: bounds.name, types: TYPES };
      return enqueue(() => observed(sql, () => client.query<Row & QueryResultRow>(query)), bounds);
    },
    begin: (sql, bounds) => {
      const begun = send(scripted(sql), bounds);
      begun.catch(() => (client.getTransactionStatus?.() === 'T' ? undefined : abandon()));
      if (!client.pipeline) last = begun;
      return begun;
    },
    script: (sql, bounds) => enqueue(scripted(sql), bounds),
    abandon,
    firstFault: () => fault,
    release: () => {
      if (ended) return;
      ended = true;
      client.off('notice', onNotice);
      // The driver reports the error before the end of the connection.
      client.release(fault instanceof DatabaseUnavailable || generations.isOutdated(client));
    },
  };
}

/**
 * The generations of a pool's connections. A migration can outdate the statements that connections have prepared. The
 * first refused statement ends the generation, and no connection of it is used again.
 */
export class Generations {
  #current = 0;
  readonly #of = new WeakMap<PoolClient, number>();
  readonly #onAdded: (client: PoolClient) => void;

  constructor(onAdded: (client: PoolClient) => void) {
    this.#onAdded = onAdded;
  }

  /** Adds a connection to the present generation, unless it is of one. */
  add(client: PoolClient): void {
    if (this.#of.has(client)) return;
    this.#of.set(client, this.#current);
    this.#onAdded(client);
  }

  /** Whether its generation has ended. */
  isOutdated(client: PoolClient): boolean {
    return (this.#of.get(client) ?? 0) < this.#current;
  }

  /** Ends the present generation. */
  end(): void {
    this.#current += 1;
  }
}

const CANCEL_REQUEST_CODE = 80877102;
const CANCEL_REQUEST_BYTES = 16;

/**
 * Requests that the server cancel the statement of `client`. Resolves when the server has the request, or after
 * `timeoutMs`. It never rejects, because `statement_timeout` ends the statement anyway.
 *
 * It uses the protocol's CancelRequest (PostgreSQL manual, 54.2.9) instead of `pg_cancel_backend`, because that needs a
 * free connection, and cancelling matters most if there is none.
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
    // The server answers by closing the connection. 'close' follows only when that end has been read.
    socket.resume();
  });
}

/** Undefined if the server sent no key, as some poolers do. */
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
