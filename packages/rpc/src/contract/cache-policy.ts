import type { Cache as CacheOption } from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from './definition.js';
import { checkMs, toMs } from './duration.js';

/** How long clients keep the answers of a method. */
export interface CachePolicy {
  /** How long an answer is fresh, from the start of the call that got it. Milliseconds. */
  readonly ttlMs: number;
  /** How long after that it is still given while a new one is got in the background. Milliseconds. */
  readonly staleMs: number;
  /** The keys of the request's metadata on which the answer depends. */
  readonly vary: readonly string[];
}

const DAY_MS = 86_400_000;
const MAX_VARY = 16;

/** The policy that a contract declares. */
export function cacheOf({ ttl, staleWhileRevalidate, vary }: CacheOption): CachePolicy {
  return {
    ttlMs: ttl === undefined ? 0 : toMs(ttl),
    staleMs: staleWhileRevalidate ? toMs(staleWhileRevalidate) : 0,
    vary,
  };
}

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkCache(
  { ttlMs, staleMs, vary }: CachePolicy,
  { requestStream, responseStream, options }: MethodDefinition,
  isKey: (key: string) => boolean,
): string | undefined {
  if (requestStream || responseStream) return ' is for unary methods: a stream is no answer that can be kept';
  if (options.idempotencyLevel !== 'NO_SIDE_EFFECTS') {
    return ' needs idempotency_level = NO_SIDE_EFFECTS: a call that is answered from a cache has no effect';
  }
  const fault = checkMs(ttlMs, [1, DAY_MS]);
  if (fault !== undefined) return `.ttl ${fault}`;
  const staleFault = checkMs(staleMs, [0, DAY_MS]);
  if (staleFault !== undefined) return `.stale_while_revalidate ${staleFault}`;
  if (vary.length > MAX_VARY) return `.vary has ${vary.length} keys; ${MAX_VARY} are the most`;
  const wrong = vary.find((key) => !isKey(key));
  return wrong === undefined
    ? undefined
    : `.vary has "${wrong}"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin`;
}
