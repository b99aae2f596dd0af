import type { PickCall } from '../balancer/picker.js';
import type { Clock } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import type { WireCall } from '../transport/index.js';
import { AttemptRecord } from './attempt.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { MethodCandidate } from './method-candidate.js';
import type { Subchannel } from './subchannel.js';

/** What of a call decides how long it may wait. */
export type Waiting = Pick<WireCall, 'limit'>;

/** What a call waits with. */
interface WaitOptions {
  readonly pool: EndpointPool;
  readonly clock: Clock;
  /** Shows what it waits for. */
  readonly attempts: Attempt[];
}

/** Waits for `change`. The process lives for that as long as the call does: looking up holds nothing. */
function hold(change: Promise<void>, { limit }: Waiting, clock: Clock): Promise<void> {
  const timer = clock.setTimer(Number.POSITIVE_INFINITY, () => undefined);
  const letGo = () => timer.cancel();
  limit.onEnd(letGo);
  return change.finally(() => {
    limit.offEnd(letGo);
    letGo();
  });
}

/** Resolves once it is known who there is; undefined where that is so already. */
export function untilKnown(
  waiting: Waiting,
  { pool, clock }: Pick<WaitOptions, 'pool' | 'clock'>,
): Promise<void> | undefined {
  const known = pool.known();
  return known && hold(known, waiting, clock);
}

/**
 * Waits for the next change while connections to `subchannels` are being made, and shows that in `attempts`: what stays
 * there are those that couldn't be made.
 */
export async function untilChanged(
  subchannels: readonly Subchannel[],
  waiting: Waiting,
  { pool, clock, attempts }: WaitOptions,
): Promise<void> {
  const waits = subchannels.map((subchannel) => ({
    subchannel,
    attempt: new AttemptRecord(subchannel, clock, 'no connection yet'),
  }));
  attempts.push(...waits.map(({ attempt }) => attempt));
  await hold(pool.changed(), waiting, clock);
  for (const { subchannel, attempt } of waits) {
    const { state, lastError = 'no connection' } = subchannel.transport;
    if (state === 'transient_failure') attempt.end(new RpcError(Status.UNAVAILABLE, lastError));
    else attempts.splice(attempts.indexOf(attempt), 1);
  }
}

/** What a call that waits for somebody to be picked waits with. */
interface PickWaitOptions extends WaitOptions {
  readonly pick: PickCall<MethodCandidate>;
}

/** Waits for one that can be picked; undefined where there is none to wait for. */
export async function untilPicked(
  method: Method,
  waiting: Waiting,
  options: PickWaitOptions,
): Promise<MethodCandidate | undefined> {
  const { pool, pick } = options;
  for (;;) {
    const candidate = pool.pick(method, pick);
    if (candidate !== undefined) return candidate;
    const coming = pool.connectable(method, pick);
    if (coming.length === 0) return undefined;
    await untilChanged(coming, waiting, options);
    waiting.limit.throwIfEnded();
  }
}
