import type { Logger } from '@rondo/rpc/call';
import { TOLD_TTLS } from '../../domain/admission.js';
import type { RefusedRegistration } from '../../domain/instance.js';
import type { Etcd } from './etcd-client.js';
import type { Keys } from './keys.js';
import { encode } from './record.js';
import { put } from './transaction.js';

/** What refusals are written down with. */
export interface RefusalOptions {
  readonly etcd: Pick<Etcd, 'commit'>;
  readonly keys: Keys;
  /** The last one of an instance id that this process knows of. */
  readonly last: (instanceId: string) => RefusedRegistration | undefined;
  /** A lease of etcd's. */
  readonly grant: (ttlMs: number) => Promise<bigint>;
  readonly log: Logger;
}

/** A registration that was refused, and what it asked for. */
export interface Refusal {
  readonly instanceId: string;
  readonly refused: RefusedRegistration;
  readonly ttlMs: number;
}

/** How long after a refusal was written down the next of the same instance id is. */
const REST_MS = 1000;

/**
 * Writes down that a registration was refused, so that every registry's lists tell of it: at most once a second for an
 * instance id, so that a caller that is refused can't keep etcd busy. The refusal stands whatever comes of this. Gives the
 * revision of what is written.
 */
export async function noteRefusal(
  options: RefusalOptions,
  { instanceId, refused, ttlMs }: Refusal,
): Promise<bigint | undefined> {
  const { etcd, keys, last, grant, log } = options;
  const sinceMs = refused.timeMs - (last(instanceId)?.timeMs ?? Number.NEGATIVE_INFINITY);
  if (Math.abs(sinceMs) < REST_MS) return undefined;
  try {
    const etcdLease = await grant(TOLD_TTLS * ttlMs);
    return (await etcd.commit([], [put(keys.of('refusals', instanceId), encode(refused), etcdLease)])).revision;
  } catch (error) {
    log.debug({ err: error, instanceId }, 'a registration that was refused is not written down');
    return undefined;
  }
}
