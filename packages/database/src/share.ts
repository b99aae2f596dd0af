import { TooManyCalls } from './errors.js';
import { createQueries, type Database, type Queries } from './sql.js';

/** The bounds of a share. */
export interface ShareOptions {
  /** The most connections that its calls have at once. */
  readonly maxConnections: number;
  /** The most calls that wait until others of the share have ended. */
  readonly maxWaiting: number;
  /** Timeout of that wait, in milliseconds; default 3,000. */
  readonly waitTimeoutMs?: number;
}

/** A part of a pool's connections. */
export type DatabaseShare = Queries & Pick<Database, 'transaction' | 'prepare'>;

/**
 * Creates a share of a pool: its calls use the pool's connections, but only so many at once, in the order in which they came. So
 * calls that take long, or wait for locks, leave the other connections to other calls.
 *
 * @throws TooManyCalls from a call for which there is no room, or that waits too long.
 */
export function createShare(database: Database, options: ShareOptions): DatabaseShare {
  const inTurn = createTurns(options);
  return {
    ...createQueries((sql, params, queryOptions) =>
      inTurn(() => database.query(sql, params, queryOptions), queryOptions.signal),
    ),
    transaction: (work, given) => inTurn(() => database.transaction(work, given), given?.signal),
    prepare: (gid, work, given) => inTurn(() => database.prepare(gid, work, given), given?.signal),
  };
}

/** Calls in the order in which they came, so many at once. */
function createTurns({ maxConnections, maxWaiting, waitTimeoutMs = 3_000 }: ShareOptions) {
  let running = 0;
  /** Each begins a waiting call. */
  const queue = new Set<() => void>();

  const wait = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (reason: unknown): void => {
        release();
        reject(reason);
      };
      const onAbort = (): void => leave(signal?.reason);
      const onTimeout = (): void =>
        leave(new TooManyCalls(`${maxConnections} such calls ran for ${waitTimeoutMs} ms without a turn for this one`));
      const begin = (): void => {
        release();
        running += 1;
        resolve();
      };
      const timer = setTimeout(onTimeout, waitTimeoutMs);
      const release = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        queue.delete(begin);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.add(begin);
    });

  return async <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    signal?.throwIfAborted();
    if (running < maxConnections) running += 1;
    else if (queue.size < maxWaiting) await wait(signal);
    else throw new TooManyCalls(`${maxConnections} such calls run, and ${queue.size} wait`);
    try {
      return await work();
    } finally {
      running -= 1;
      for (const begin of queue) {
        begin();
        break;
      }
    }
  };
}
