import type { Cache as CacheOption } from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from './definition.js';
import { checkMs, toMs } from './duration.js';

/** How long clients keep the answers of a method. */
export interface CachePolicy {
  /** How long an answer is fresh, from the start of the call that got it. Milliseconds. */
  readonly ttlMs: number;
  /** How long a stale answer is still given, after `ttlMs`, while a new one is fetched in the background. Milliseconds. */
  readonly staleMs: number;
  /** The keys of the request's metadata on which the answer depends. */
  readonly vary: readonly string[];
  /** The feed of changes that end answers; missing if there is none. */
  readonly feed?: CacheFeed;
}

/** A feed of changes. */
export interface CacheFeed {
  /** The name of a method of the same service. */
  readonly method: string;
  /** The request's field, by its name in code, that names the resource; undefined if each change ends all answers. */
  readonly key: string | undefined;
}

const DAY_MS = 86_400_000;
const MAX_VARY = 16;

/** The policy that a contract declares. */
export function cacheOf(
  { ttl, staleWhileRevalidate, vary, feed }: CacheOption,
  nameInCode: (name: string) => string,
): CachePolicy {
  return {
    ttlMs: ttl === undefined ? 0 : toMs(ttl),
    staleMs: staleWhileRevalidate === undefined ? 0 : toMs(staleWhileRevalidate),
    vary,
    ...(feed && { feed: { method: feed.method, key: feed.key === '' ? undefined : nameInCode(feed.key) } }),
  };
}

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkCache(
  { ttlMs, staleMs, vary, feed }: CachePolicy,
  { requestStream, responseStream, options }: Pick<MethodDefinition, 'requestStream' | 'responseStream' | 'options'>,
): string | undefined {
  if (requestStream || responseStream) return ' is for unary methods: a stream is no answer to keep; leave it out';
  if (options.idempotencyLevel !== 'NO_SIDE_EFFECTS') {
    return ' needs idempotency_level = NO_SIDE_EFFECTS, as a cache answers without a call; say so, or leave it out';
  }
  const fault = checkMs(ttlMs, [1, DAY_MS]);
  if (fault !== undefined) return `.ttl ${fault}`;
  const staleFault = checkMs(staleMs, [0, DAY_MS]);
  if (staleFault !== undefined) return `.stale_while_revalidate ${staleFault}`;
  if (vary.length > MAX_VARY) return `.vary has ${vary.length} keys; ${MAX_VARY} are the most`;
  if (feed?.method === '') return '.feed names no method';
  const wrong = vary.find((key) => !isMetadataKey(key));
  return wrong === undefined
    ? undefined
    : `.vary has "${wrong}"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin`;
}

/** Whether an option may name a key of metadata so: not one of gRPC's own, nor one whose values are bytes. */
export const isMetadataKey = (key: string): boolean => /^(?!grpc-)[a-z0-9_.-]{1,128}(?<!-bin)$/.test(key);
