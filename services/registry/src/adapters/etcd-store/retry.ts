import { type Clock, createBackoff, type Random, sleep } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';
import { StoreUnreachable } from '../../domain/errors.js';

/** The options of {@link withRetries}. */
export interface RetryOptions {
  /** The address of etcd, for error messages. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** No try begins later than this. Callers of the registry wait for 3 s, and they shall get the reason of a failure. */
const LAST_TRY_MS = 2_000;
const BACKOFF = { baseMs: 25, maxMs: 250 };

/**
 * Runs `work` until it succeeds, or for as long as a caller of the registry waits. `work` must be safe to repeat even
 * if etcd has done it and the answer was lost. The store's transactions are, because each holds only for the revision
 * that was read.
 *
 * @throws StoreUnreachable if etcd keeps failing. Any other error of `work` is thrown unchanged.
 */
export async function withRetries<T>(work: () => Promise<T>, { name, clock, random }: RetryOptions): Promise<T> {
  const startedAt = clock.now();
  const backoff = createBackoff({ ...BACKOFF, random });
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const delayMs = backoff.nextMs();
      const spentMs = clock.now() - startedAt + delayMs;
      if (spentMs > LAST_TRY_MS) throw new StoreUnreachable(name, withRemedy(error.message));
      await sleep(clock, delayMs);
    }
  }
}

/** What to do about a TLS handshake that failed, by OpenSSL's texts. */
const REMEDIES: readonly (readonly [sign: RegExp, remedy: string])[] = [
  [
    /unable to verify|self-signed/,
    'ca-file in RONDO_REGISTRY_STORE must name the file of the authority that issued its certificate',
  ],
  [
    /alert (bad certificate|certificate required|unknown ca)/,
    'cert-file and key-file in RONDO_REGISTRY_STORE must name a certificate that it accepts',
  ],
];

/** A reason why etcd can't be reached, with the variable to correct if that is known. */
export function withRemedy(reason: string): string {
  const [, remedy] = REMEDIES.find(([sign]) => sign.test(reason)) ?? [];
  return remedy === undefined ? reason : `${reason}: ${remedy}`;
}
