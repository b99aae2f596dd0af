import type { CallContext, Metadata } from '@rondo/rpc/call';
import type { Endpoint, ForwardedReply, Payload } from '@rondo/rpc/internal';
import type { PublicMethod } from '../discovery/catalogue.js';

/** One call of a public method, as every protocol makes it. */
export interface BackendCall {
  readonly target: PublicMethod;
  readonly metadata: Metadata;
  /** How long the caller gives the call, in milliseconds; undefined if it says nothing. */
  readonly timeoutMs: number | undefined;
  /** Ends when the caller leaves. */
  readonly context: CallContext;
  /**
   * The encoded request. A function if the encoding depends on the instance that was picked: undefined from it means that
   * this instance can't take the call, so another is tried.
   */
  readonly request: Payload<Uint8Array> | ((to: Endpoint) => Payload<Uint8Array> | undefined);
}

/** The encoded reply. `from` is the instance that sent it, or undefined if the gateway itself answered. */
export type BackendReply = Omit<ForwardedReply, 'from'> & { readonly from: Endpoint | undefined };

/**
 * Makes a call. It rejects with an `RpcError` whose message and details may be shown to anyone: no address, no host name,
 * no stack.
 */
export type Backend = (call: BackendCall) => Promise<BackendReply>;
