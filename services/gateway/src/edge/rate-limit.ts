import { type Clock, TokenBucket } from '@rondo/base';

/** How many requests a client may send. */
export interface Rate {
  readonly perSecond: number;
  /** How many may come at once, after a pause. */
  readonly burst: number;
}

/** What a client has left. */
export interface Quota {
  /** Its name and size, for the header `RateLimit-Policy`. */
  readonly policy: string;
  readonly admitted: boolean;
  /** The requests that the client may still send at once. */
  readonly remaining: number;
  /** In how many seconds there will be more: until the next request if this one is refused, else until all are there. */
  readonly resetSeconds: number;
}

/** Admits the requests of each client at a rate. */
export interface RateLimit {
  /** Takes a request from the client's quota, if it is admitted. */
  take(client: string): Quota;
  /** What {@link take} would give, without taking anything. */
  peek(client: string): Quota;
}

const MAX_CLIENTS = 100_000;

/**
 * A token bucket for each client. `RateLimit` headers tell a client what it has left.
 *
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers
 *
 * @param maxClients the most clients that are remembered. Beyond it the clients that have been silent longest are
 * forgotten, and get a full quota when they return.
 */
export function createRateLimit(
  { perSecond, burst }: Rate,
  clock: Pick<Clock, 'now'>,
  maxClients = MAX_CLIENTS,
): RateLimit {
  const policy = `"client";q=${burst};w=${Math.ceil(burst / perSecond)}`;
  const buckets = new Map<string, TokenBucket>();
  const bucketOf = (client: string): TokenBucket => {
    const bucket = buckets.get(client) ?? new TokenBucket({ clock, burst, intervalMs: 1_000 / perSecond });
    // The last in the map is the client that was heard of last.
    buckets.delete(client);
    buckets.set(client, bucket);
    return bucket;
  };
  const forgetOldest = () => {
    const [oldest] = buckets.keys();
    if (buckets.size > maxClients && oldest !== undefined) buckets.delete(oldest);
  };
  const quotaOf = (admitted: boolean, tokens: number): Quota => {
    const missing = admitted ? burst - tokens : 1 - tokens;
    return {
      policy,
      admitted,
      remaining: Math.floor(tokens),
      resetSeconds: Math.max(1, Math.ceil(missing / perSecond)),
    };
  };
  return {
    take(client) {
      const bucket = bucketOf(client);
      forgetOldest();
      const admitted = bucket.take();
      return quotaOf(admitted, bucket.tokens);
    },
    peek(client) {
      const tokens = buckets.has(client) ? bucketOf(client).tokens : burst;
      return quotaOf(tokens >= 1, tokens);
    },
  };
}
