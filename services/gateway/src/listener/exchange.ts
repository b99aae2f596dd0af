import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Principal } from '@rondo/rpc/call';
import { RpcError } from '@rondo/rpc/status';

/** One HTTP request and its answer, over HTTP/1.1 or HTTP/2. It is all that the protocol handlers see of HTTP. */
export interface HttpExchange {
  readonly version: '1.1' | '2';
  readonly secure: boolean;
  readonly method: string;
  /** As received, still percent-encoded, without the query. */
  readonly path: string;
  /** As received, without the question mark; empty if there is none. */
  readonly query: string;
  /** `Host` or `:authority`; empty if HTTP/1.0 sent none. */
  readonly authority: string;
  /** The address of the connection's other end. */
  readonly remote: string;
  /** Names in lower case, without pseudo headers. Repeated headers are joined as HTTP joins them. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as received. For some repeated headers, `headers` has only the first value. */
  readonly rawHeaders: readonly string[];
  /**
   * Set by the edge if credentials are verified: on whose behalf the request is made, or that it has no credentials.
   */
  identity?: { readonly principal: Principal | undefined };
  /** Set where agents call tools: the URL of what says who issues tokens. */
  resourceMetadata?: string;
  /** Set if a client that ends its side of an HTTP/1.1 connection waits for no answer, as programs of agents do. */
  leavesByEnding?: boolean;
  /** Set by the dispatch: the path of the method, or the template of the path, as the contract has it. */
  route?: string;
  readonly body: RequestBody;
  /**
   * Resolves when everything that the client sent before it ended its request has been processed, over HTTP/2. A client
   * that cancels an upload ends the stream and then resets it: without this, a part of an upload looks like a whole one.
   */
  readonly peerCaughtUp?: () => Promise<void>;
  readonly responded: boolean;
  /** The status of the answer; 0 until `respond`. */
  readonly status: number;
  /** Headers of the answer, whichever part of the gateway answers. Those of `respond` take precedence. */
  readonly answerHeaders: OutgoingHttpHeaders;
  /** Sends the status line and the headers. Only once. */
  respond(status: number, headers: OutgoingHttpHeaders): void;
  /** Sends a part of the body. A promise: the client reads more slowly than this writes, wait for it; undefined: go on. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Ends the answer. Trailers are sent over HTTP/2 only. */
  end(chunk?: Uint8Array, trailers?: OutgoingHttpHeaders): void;
  /** Breaks the answer off: resets the HTTP/2 stream, or closes the HTTP/1.1 connection. */
  abort(reason: 'cancel' | 'internal' | 'enhance_your_calm'): void;
  /** Calls `listener` once, when the exchange is over. `left`: the client went away before the end of the answer. */
  onClose(listener: (left: boolean) => void): void;
}

/** The body of a request. It is read once, by one of these functions. */
export interface RequestBody {
  /** Whose share it takes of what is bounded for all. */
  readonly client: string;
  /**
   * Yields the body as it arrives. The client is read no faster than the iterator is. It may rest between two chunks,
   * unless the body is `steady`, as that of a unary request is, or that of a stream inside a message.
   *
   * @throws BodyError if the client breaks off, or if a steady body arrives too slowly.
   */
  chunks(options?: { readonly steady?: () => boolean }): AsyncIterable<Buffer>;
  /**
   * Says how many bytes of the body the reader of `chunks` keeps because their rest is missing.
   *
   * @throws BodyError if all requests together keep too many.
   */
  hold(bytes: number): void;
  /**
   * Reads the whole body.
   *
   * @throws BodyError also if the body is larger than `maxBytes`, or if all requests together keep too many bytes.
   */
  whole(maxBytes: number): Promise<Buffer>;
  /** Reads and forgets a bounded rest of the body, so that the connection can be used again. */
  discard(): void;
}

/**
 * Why a body can't be read: the client sent too much (`RESOURCE_EXHAUSTED`), sent too slowly (`DEADLINE_EXCEEDED`), or broke off
 * (`CANCELLED`); or all clients sent too much at once (`UNAVAILABLE`).
 */
export class BodyError extends RpcError {}

/** Answers one request. It never throws, and it always ends or aborts the exchange. */
export type HttpHandler = (exchange: HttpExchange) => void;
