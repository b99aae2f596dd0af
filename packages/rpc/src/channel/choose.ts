import type { Clock } from '@rondo/base';
import { CallContext } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import { POLICIES } from '../contract/balancing.js';
import type { ServiceDefinition } from '../contract/definition.js';
import { type Method, methodsOf } from '../contract/method.js';
import { servicePolicyOf } from '../contract/policy.js';
import type { Attempt } from '../status/rpc-error.js';
import type { EndpointPool } from './endpoint-pool.js';
import { requestedVersion } from './picker.js';
import { pickFirst } from './retry.js';
import type { Services } from './services.js';
import type { Subchannel } from './subchannel.js';
import { untilNextChange } from './wait-for-pick.js';

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

/** Options of a question for the owner of a key. */
export interface OwnerOptions {
  /** Ends the question. */
  readonly signal?: AbortSignal;
}

/** A key of a service that is balanced by keys, and what it is looked up with. */
interface OwnedKey extends OwnerOptions {
  readonly definition: ServiceDefinition;
  readonly key: string;
  readonly services: Services;
  readonly clock: Clock;
}

/** The instance that calls with the key go to. It rejects as such a call would if no instance can take it. */
export async function ownerOf(owned: OwnedKey): Promise<Choice> {
  const { definition, key, clock, signal = new AbortController().signal } = owned;
  const pool = poolOf(owned);
  const method = [...methodsOf(definition).values()].find(({ policy }) => policy.hashKey !== undefined);
  if (method === undefined) throw new TypeError(`${definition.fullName}: no method has a hash_key`);
  const chosen = await choose(method, { signal, hashKey: key }, { pool, clock });
  const owner = pool.owner(key);
  // A call that probes an ejected instance, or goes to a canary, doesn't go to the owner.
  return owner === undefined ? chosen : choiceOf(owner);
}

/** Gives the owner of a key as soon as it is connected, and each new one, until the signal aborts or the channel is closed. */
export async function* watchOwner(owned: OwnedKey): AsyncGenerator<Choice, void> {
  const { key, clock, signal } = owned;
  const pool = poolOf(owned);
  const context = new CallContext({ clock, parents: [signal] });
  let last: string | undefined;
  try {
    while (context.reason === undefined && !pool.lookup.closed) {
      const owner = pool.owner(key);
      if (owner?.ready && owner.endpoint.instanceId !== last) {
        last = owner.endpoint.instanceId;
        yield choiceOf(owner);
      } else {
        await untilNextChange({ context }, { pool, clock });
      }
    }
  } finally {
    context.release();
  }
}

/** The instances of the key's service. @throws TypeError if keys of the service have no owner. */
function poolOf({ definition, key, services }: OwnedKey): EndpointPool {
  const { pool, balanced } = services.of(definition.fullName, servicePolicyOf(definition));
  const { policy } = balanced.balancing;
  if (POLICIES[policy].affinity === 'key' && key !== '') return pool;
  const why =
    key === '' ? 'a call without a key goes to any instance' : `${policy} sends the calls of a key to any instance`;
  throw new TypeError(`${definition.fullName}: no instance owns the key "${key}", as ${why}`);
}
