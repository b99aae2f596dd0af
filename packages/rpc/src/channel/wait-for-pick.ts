import type { Clock } from '@rondo/base';
import type { PickCall } from '../balancer/picker.js';
import type { Method } from '../contract/method.js';
import { transportErrors } from '../errors/transport.js';
import type { Attempt } from '../status/rpc-error.js';
import type { WireCall } from '../transport/transport.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { MethodCandidate, Subchannel } from './subchannel.js';

/** The part of a call that limits its waiting. */
export type Waiting = Pick<WireCall, 'context'>;

/** What a call waits for. */
interface WaitOptions {
  readonly pool: EndpointPool;
  readonly clock: Clock;
  /** Shows the connections that the call waits for. */
  readonly attempts: Attempt[];
}

/** Waits for the pool's next change, at most `mostMs` and until the call ends. It keeps the process alive meanwhile. */
export function untilNextChange(
  { context }: Waiting,
  { pool, clock }: Omit<WaitOptions, 'attempts'>,
  mostMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(mostMs, () => end());
    const end = () => {
      timer.cancel();
      stop();
      context.offEnd(end);
      resolve();
    };
    const stop = pool.onChange(end);
    context.onEnd(end);
  });
}

/** Resolves when the service's instances are known, or the lookup has failed. It keeps the process alive meanwhile: a lookup alone does not. */
export async function untilKnown(
  { context }: Waiting,
  { pool, clock }: Pick<WaitOptions, 'pool' | 'clock'>,
): Promise<void> {
  if (pool.lookup.known === undefined) return;
  const timer = clock.setTimer(Number.POSITIVE_INFINITY, () => undefined);
  const release = () => timer.cancel();
  context.onEnd(release);
  await pool.lookup.known;
  context.offEnd(release);
  release();
}

/**
 * Waits for the next change while connections to `subchannels` are being made, or they are silent. Meanwhile
 * `attempts` lists these subchannels; failed attempts stay in the list.
 */
export async function untilChanged(
  subchannels: readonly Subchannel[],
  waiting: Waiting,
  { pool, clock, attempts }: WaitOptions,
): Promise<void> {
  const startedAt = clock.now();
  const waits = subchannels.map((subchannel) => {
    const { instanceId: instance, address } = subchannel.endpoint;
    const message = subchannel.silent ? 'it is silent' : 'no connection yet';
    const attempt: Attempt = { instance, address, code: 'PENDING', message, elapsedMs: 0 };
    return { subchannel, attempt };
  });
  attempts.push(...waits.map(({ attempt }) => attempt));
  await untilNextChange(waiting, { pool, clock });
  // The report of a call that has ended says what it was waiting for.
  if (waiting.context.reason !== undefined) return;
  for (const { subchannel, attempt } of waits) {
    const { state, lastError = 'no connection' } = subchannel.transport;
    const failed = transportErrors.UNCONNECTED({ whyTheLastAttemptFailed: lastError }, { reach: 'unsent' });
    const ended = { ...attempt, code: failed.codeName, message: failed.message, elapsedMs: clock.now() - startedAt };
    attempts.splice(attempts.indexOf(attempt), 1, ...(state === 'transient_failure' ? [ended] : []));
  }
}

/** What a call that waits for a pick waits for. */
interface PickWaitOptions extends WaitOptions {
  readonly pick: PickCall<MethodCandidate>;
}

/** Waits until an instance can be picked; undefined if there is none to wait for. */
export async function untilPicked(
  method: Method,
  waiting: Waiting,
  options: PickWaitOptions,
): Promise<MethodCandidate | undefined> {
  const { pool, pick } = options;
  for (;;) {
    const candidate = pool.pick(method, pick);
    if (candidate !== undefined) return candidate;
    const coming = pool.instances.connectable(method, pick);
    const { successorMs } = pool.lookup;
    if (coming.length > 0) await untilChanged(coming, waiting, options);
    else if (successorMs > 0) await untilNextChange(waiting, options, successorMs);
    else return undefined;
    waiting.context.throwIfEnded();
  }
}

/**
 * Waits until an instance can be picked, also while none is known and while no connection can be made.
 *
 * @throws RpcError why the call has ended, or `UNAVAILABLE` if the channel is closed.
 */
export async function untilReachable(
  method: Method,
  waiting: Waiting,
  options: PickWaitOptions,
): Promise<MethodCandidate> {
  const { pool, pick } = options;
  for (;;) {
    waiting.context.throwIfEnded();
    const unknown = pool.noInstanceError();
    if (unknown !== undefined && pool.lookup.closed) throw unknown;
    const candidate = unknown === undefined ? pool.pick(method, pick) : undefined;
    if (candidate !== undefined) return candidate;
    await untilNextChange(waiting, options);
  }
}
