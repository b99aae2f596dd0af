import type { Clock } from '@rondo/base';
import type { Payload } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import type { Principal } from '../call/values.js';
import type { RequestSource } from '../channel/retry.js';
import type { Method } from '../contract/method.js';
import { type PolicyFields, readBytes, withBytes } from '../contract/wire-fields.js';
import { observe } from '../middleware/stream.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { AddKey } from './idempotency-key.js';
import { RequestStream } from './request-stream.js';

/** A call that a proxy passes on, encoded. */
export interface ForwardedCall {
  readonly method: Method;
  /** As received. Keys that belong to one connection are left out. */
  readonly metadata: Metadata;
  /** Ends when the caller leaves. */
  readonly context: CallContext;
  /**
   * The caller's timeout, in milliseconds, which is sent to the server. Undefined: no deadline is sent. The
   * contract's timeout is left to the server.
   */
  readonly timeoutMs?: number | undefined;
  /** The proxy's own limit, in milliseconds. It ends the call here, and isn't sent on. */
  readonly limitMs?: number | undefined;
  /**
   * The encoded request. A function if the encoding depends on the instance that was picked: undefined from it means that
   * this instance can't take the call, so another is tried. If the function or the stream fails with an `RpcError`, the
   * call rejects with that very error.
   */
  readonly request: Payload<Uint8Array> | ((to: Endpoint) => Payload<Uint8Array> | undefined);
  /**
   * A request that is equal for equal calls, encoded, if `request` is a function: a cache looks up an answer by it
   * before an instance is picked. If it is missing or returns undefined, the call is made.
   */
  readonly requestKey?: (() => Uint8Array | undefined) | undefined;
  /** On whose behalf the call is made, as the proxy has verified it; missing for no one. */
  readonly principal?: Principal | undefined;
  /** As in `CallOptions`. */
  readonly resumeForMs?: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * What a forwarded call needs besides its `ClientCall`. It is stored in the call's context, which every middleware
 * passes on unchanged; otherwise each call would need its own middleware chain.
 */
export class ForwardContext extends CallContext implements RequestSource {
  readonly forwarded: ForwardedCall;
  /** The deadline that is sent on, by the channel's clock; undefined for none. */
  readonly deadline: number | undefined;
  /** The instance that was picked last. */
  from: Endpoint | undefined;
  /** Adds the idempotency key to each request; undefined if there is none to add. */
  addKey: AddKey | undefined;
  readonly #callersRequest: ForwardedCall['request'];
  #requests: RequestStream | undefined;
  #token: Uint8Array | undefined;
  #requestError: unknown;

  constructor(forwarded: ForwardedCall, clock: Clock, startedAt: number) {
    const { timeoutMs = NEVER, limitMs = NEVER, context } = forwarded;
    const deadline = startedAt + timeoutMs;
    const endsAt = Math.min(deadline, startedAt + limitMs);
    super({
      clock,
      parents: [context],
      deadline: endsAt === NEVER ? undefined : endsAt,
      by: endsAt === deadline ? 'caller' : 'proxy',
    });
    this.forwarded = forwarded;
    this.deadline = deadline === NEVER ? undefined : deadline;
    this.#callersRequest = forwarded.request;
  }

  /** The numbers of the fields by which the call's stream is resumed; undefined if they aren't known. */
  get tokens(): PolicyFields['resume'] {
    return this.forwarded.method.policyFields?.resume;
  }

  requestFor(to: Endpoint): Payload<Uint8Array> | undefined {
    this.from = to;
    const request = this.#callersRequest;
    const payload = typeof request === 'function' ? this.#encodeFor(to, request) : request;
    if (payload === undefined) return undefined;
    if (payload.stream) return this.#toStream(payload.messages);
    if (this.addKey !== undefined) return { stream: false, message: this.addKey(payload.message) };
    if (this.#token === undefined || this.tokens === undefined) return payload;
    return { stream: false, message: withBytes(payload.message, this.tokens.request, this.#token) };
  }

  /** The reader has taken a message of a stream that can be resumed. */
  onTaken(message: unknown): void {
    if (this.tokens === undefined || !(message instanceof Uint8Array)) return;
    const token = readBytes(message, this.tokens.response);
    if (token !== undefined && token.length > 0) this.#token = token;
  }

  /** Whether `error` is the caller's own: the reason why it left, or what its request failed with. */
  isOwn(error: unknown): boolean {
    return error !== undefined && (error === this.forwarded.context.reason || error === this.#requestError);
  }

  /** The call has ended. */
  close(error?: unknown): void {
    this.span?.end(error);
    this.release();
    this.#requests?.close();
  }

  #encodeFor(to: Endpoint, encode: (to: Endpoint) => Payload<Uint8Array> | undefined): Payload<Uint8Array> | undefined {
    try {
      return encode(to);
    } catch (error) {
      this.#requestError = error;
      throw error;
    }
  }

  /** The caller's stream is read until the call ends. A stream that doesn't depend on the instance is one for all attempts. */
  #toStream(messages: AsyncIterable<Uint8Array>): Payload<Uint8Array> {
    const once = typeof this.#callersRequest !== 'function';
    if (once && this.#requests !== undefined) return this.#requests;
    const error = (fault: unknown) => {
      this.#requestError = fault;
      return fault;
    };
    this.#requests = new RequestStream(observe(messages, { error }), this);
    return this.#requests;
  }
}
