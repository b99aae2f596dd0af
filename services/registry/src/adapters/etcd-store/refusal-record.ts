import type { Logger } from '@rondo/rpc/call';
import { REFUSAL_SHOWN_TTLS } from '../../domain/admission.js';
import type { RefusedRegistration } from '../../domain/instance.js';
import { type Etcd, put } from './etcd-client.js';
import type { Keys } from './keys.js';
import { encode } from './record.js';

/** The options of {@link recordRefusal}. */
export interface RefusalRecordOptions {
  readonly etcd: Pick<Etcd, 'commit'>;
  readonly keys: Keys;
  /** The last refusal for an instance id that this process knows. */
  readonly last: (instanceId: string) => RefusedRegistration | undefined;
  /** Grants an etcd lease. */
  readonly grant: (ttlMs: number) => Promise<bigint>;
  readonly log: Logger;
}

/** A refused registration with the TTL that it asked for. */
interface Refusal {
  readonly instanceId: string;
  readonly refused: RefusedRegistration;
  readonly ttlMs: number;
}

/** The minimum time between two recorded refusals for one instance id, in milliseconds. */
const REST_MS = 1000;

/**
 * Records a refused registration in etcd, so that the lists of every registry show it. It records at most one a second
 * for an instance id, so that a refused caller can't keep etcd busy. The refusal stands even if recording it fails.
 * Returns the revision of the record.
 */
export async function recordRefusal(
  options: RefusalRecordOptions,
  { instanceId, refused, ttlMs }: Refusal,
): Promise<bigint | undefined> {
  const { etcd, keys, last, grant, log } = options;
  const sinceMs = refused.timeMs - (last(instanceId)?.timeMs ?? Number.NEGATIVE_INFINITY);
  if (Math.abs(sinceMs) < REST_MS) return undefined;
  try {
    const etcdLease = await grant(REFUSAL_SHOWN_TTLS * ttlMs);
    return (await etcd.commit([], [put(keys.of('refusals', instanceId), encode(refused), etcdLease)])).revision;
  } catch (error) {
    log.debug({ err: error, instanceId }, 'a refused registration could not be recorded');
    return undefined;
  }
}
