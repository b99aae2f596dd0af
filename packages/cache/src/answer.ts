import { Metadata } from '@rondo/rpc/call';
import type { ClientCall } from '@rondo/rpc/client';
import { answeredBy, isForwarded, type Reply } from '@rondo/rpc/internal';
import type { Kept } from './memory.js';

/** The header that says how the cache served a reply. Source: RFC 9211, the Cache-Status field. */
const STATUS = 'cache-status';
const HIT = new Metadata({ [STATUS]: 'rondo; hit' });
const STALE = new Metadata({ [STATUS]: 'rondo; hit; detail=stale' });
const STORED = new Metadata({ [STATUS]: 'rondo-shared; hit' });
const SHARED = new Metadata({ [STATUS]: 'rondo; fwd=miss; collapsed' });

/** Where the answer to a call comes from: kept and fresh, kept and stale, the store of all replicas, or another caller's call. */
export type Origin = 'hit' | 'stale' | 'stored' | 'shared';

const HEADERS: Readonly<Record<Origin, Metadata>> = { hit: HIT, stale: STALE, stored: STORED, shared: SHARED };

/**
 * A reply with a cached answer. Each caller gets its own copy of the message, which it may change: decoding costs
 * less than freezing, and dates and bytes can't be frozen.
 */
export function replyOf(call: ClientCall, { bytes, from }: Kept, origin: Origin): Reply {
  answeredBy(call, from);
  // A decoded message may refer to the memory that it was read from.
  const copy = new Uint8Array(bytes);
  const message = isForwarded(call) ? copy : call.method.responseType.decode(copy);
  // The entries are copied only if a caller changes them.
  return { header: Metadata.over(HEADERS[origin]), trailer: new Metadata(), response: { stream: false, message } };
}
