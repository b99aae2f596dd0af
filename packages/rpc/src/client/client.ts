import type { Metadata, MetadataInit } from '../call/index.js';
import type { MethodDefinition, RequestInit, ResponseOf, ServiceDefinition } from '../contract/index.js';

/** What a caller may say of one call. */
export interface CallOptions {
  /** At the latest this long from now, in milliseconds. Sooner limits (the contract's, the caller's own) stand. */
  readonly timeoutMs?: number;
  /** At the latest then. */
  readonly deadline?: Date;
  /** Cancels the call when it aborts. */
  readonly signal?: AbortSignal;
  readonly metadata?: MetadataInit;
  /** Goes there or nowhere: the name of the one instance that is asked, and asked once. */
  readonly instance?: string | undefined;
  /** Sees the response's header metadata, before the first message. */
  readonly onHeader?: (header: Metadata) => void;
  /** Sees the response's trailing metadata, after the last message. */
  readonly onTrailer?: (trailer: Metadata) => void;
}

/** One method as its caller sees it: one message is a promise, many are an async iterable. */
export type ClientMethod<M extends MethodDefinition> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (requests: AsyncIterable<RequestInit<M>>, options?: CallOptions) => Promise<ResponseOf<M>>
  : M['responseStream'] extends true
    ? (request: RequestInit<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
    : (request: RequestInit<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/** A service as its caller sees it. Every failure is an `RpcError`. */
export type Client<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: ClientMethod<D['methods'][K]> };
