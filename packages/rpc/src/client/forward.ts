import type { Payload, Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import type { Endpoint } from '../resolver/resolver.js';

/** A call that a proxy passes on, encoded. */
export interface ForwardedCall {
  readonly method: Method;
  /** As received. Keys that belong to one connection are left out. */
  readonly metadata: Metadata;
  /** Ends when the caller leaves. */
  readonly context: CallContext;
  /** How long the caller gives the call, in milliseconds. It is sent on. Undefined: no deadline is sent. */
  readonly timeoutMs?: number | undefined;
  /** The proxy's own limit, in milliseconds. It ends the call here, and isn't sent on. */
  readonly limitMs?: number | undefined;
  /**
   * The encoded request. A function if the encoding depends on the instance that was picked: undefined from it means that
   * this instance can't take the call, so another is tried.
   */
  readonly request: Payload<Uint8Array> | ((to: Endpoint) => Payload<Uint8Array> | undefined);
  /** As in `CallOptions`. */
  readonly resumeForMs?: number;
}

/** The encoded reply, and the instance that sent it. */
export interface ForwardedReply extends Reply<Uint8Array> {
  readonly from: Endpoint;
}
