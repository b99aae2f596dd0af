import type { Clock } from '@rondo/base';
import { CallContext } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import type { Attempt } from '../status/rpc-error.js';
import type { EndpointPool } from './endpoint-pool.js';
import { requestedVersion } from './picker.js';
import { pickFirst } from './retry.js';
import type { Subchannel } from './subchannel.js';

/** A call that is picked for but not made. */
export interface ImaginedCall {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  readonly metadata?: Metadata;
  /** The call's key. Default: the key in its metadata, if the method's contract takes the key from metadata. */
  readonly hashKey?: string | undefined;
}

/** The instance that a call would go to. */
export interface Choice {
  readonly instanceId: string;
  readonly address: string;
}

/** Picks the instance that a call would go to. It rejects as the call would if no instance can take it. */
export async function choose(
  method: Method,
  { signal, metadata, hashKey }: ImaginedCall,
  { pool, clock }: { readonly pool: EndpointPool; readonly clock: Clock },
): Promise<Choice> {
  const context = new CallContext({ clock, parents: [signal] });
  const attempts: Attempt[] = [];
  const key = hashKey ?? keyIn(metadata, method);
  try {
    const options = { pool, clock, attempts, hashKey: key, version: metadata && requestedVersion({ metadata }) };
    const { subchannel } = await context.race(pickFirst(method, { context }, options));
    return choiceOf(subchannel);
  } finally {
    context.release();
  }
}

/** A subchannel as callers see it. */
export function choiceOf({ endpoint: { instanceId, address } }: Subchannel): Choice {
  return { instanceId, address };
}

function keyIn(metadata: Metadata | undefined, { policy: { hashKey } }: Method): string | undefined {
  const value = hashKey?.from === 'metadata' ? metadata?.get(hashKey.key) : undefined;
  return typeof value === 'string' ? value : undefined;
}
