import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ClientCompatRequest,
  ClientResponseResult,
} from '@rondo/contracts/connectrpc/conformance/v1/client_compat';
import { StreamType } from '@rondo/contracts/connectrpc/conformance/v1/config';
import type {
  ConformancePayload,
  ConformanceServiceDefinition,
  Header,
  Error as ReceivedError,
} from '@rondo/contracts/connectrpc/conformance/v1/service';

/** A method of the suite's service, by its name in code. */
export type MethodName = keyof typeof ConformanceServiceDefinition.methods;

/** A call that a case of the suite asks for, by any implementation of gRPC. */
export interface CaseCall {
  readonly request: ClientCompatRequest;
  readonly method: MethodName;
  /** The encoded requests, each at its time. */
  readonly requests: AsyncIterable<Buffer>;
  /** Aborts when the case cancels the call. */
  readonly signal: AbortSignal;
  onHeader(headers: readonly Header[]): void;
  onTrailer(trailers: readonly Header[]): void;
}

/** Makes a call. It throws a {@link CallFailure} if the call fails. */
export type Caller = (call: CaseCall) => AsyncIterable<ConformancePayload>;

/** The status with which a call failed. */
export class CallFailure extends Error {
  readonly received: ReceivedError;

  constructor(received: ReceivedError) {
    super(received.message);
    this.received = received;
  }
}

/** The one request of a call that has no stream of them. */
export async function only(requests: AsyncIterable<Buffer>): Promise<Buffer> {
  let only: Buffer = Buffer.alloc(0);
  for await (const request of requests) only = request;
  return only;
}

/** A bound on every call: no case takes more than a second. Milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Makes the call that a case asks for, and reports its outcome.
 *
 * @throws Error if the call has no outcome in time; the call is cancelled.
 */
export async function runCase(request: ClientCompatRequest, caller: Caller): Promise<ClientResponseResult> {
  const conversation = new Conversation(request);
  const { result } = conversation;
  const { signal } = conversation.cancellation;
  const call: CaseCall = {
    request,
    method: methodOf(request),
    requests: conversation.requests(),
    signal,
    onHeader(headers) {
      result.responseHeaders = [...headers];
    },
    onTrailer(trailers) {
      result.responseTrailers = [...trailers];
    },
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    conversation.cancellation.abort();
  }, PATIENCE_MS);
  try {
    for await (const payload of caller(call)) conversation.onReply(payload);
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    result.error = error.received;
  } finally {
    clearTimeout(timer);
    conversation.end();
  }
  if (late) throw new Error(`the call had no outcome within ${PATIENCE_MS} ms`);
  return result;
}

/** The requests and replies of a case in the order that it asks for, and the report about them. */
class Conversation {
  readonly cancellation = new AbortController();
  readonly result: ClientResponseResult;
  readonly #request: ClientCompatRequest;
  #ended = false;
  /** Ends the wait for a reply before the next request. */
  #proceed: () => void = () => undefined;

  constructor(request: ClientCompatRequest) {
    this.#request = request;
    this.result = {
      responseHeaders: [],
      responseTrailers: [],
      payloads: [],
      error: undefined,
      numUnsentRequests: request.requestMessages.length,
      httpStatusCode: undefined,
      feedback: [],
    };
  }

  async *requests(): AsyncGenerator<Buffer> {
    const { requestMessages, requestDelayMs, streamType } = this.#request;
    const fullDuplex = streamType === StreamType.STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM;
    for (const [index, { value }] of requestMessages.entries()) {
      await sleep(requestDelayMs);
      this.result.numUnsentRequests -= 1;
      yield value;
      if (fullDuplex) await this.#replies(index + 1);
    }
    this.#cancelAtClose();
  }

  onReply(payload: ConformancePayload): void {
    this.result.payloads.push(payload);
    this.#proceed();
    const timing = this.#request.cancel?.cancelTiming;
    if (timing?.$case === 'afterNumResponses' && timing.value === this.result.payloads.length) {
      this.cancellation.abort();
    }
  }

  end(): void {
    this.#ended = true;
    this.#proceed();
  }

  /** Resolves once there are `count` replies, or the stream has ended. */
  async #replies(count: number): Promise<void> {
    while (!this.#ended && this.result.payloads.length < count) {
      await new Promise<void>((resolve) => {
        this.#proceed = resolve;
      });
    }
  }

  /** The requests have ended. A case that cancels before the replies does so now. */
  #cancelAtClose(): void {
    const { cancel } = this.#request;
    const abort = () => this.cancellation.abort();
    if (cancel === undefined || cancel.cancelTiming?.$case === 'afterNumResponses') return;
    if (cancel.cancelTiming?.$case === 'beforeCloseSend') abort();
    else setTimeout(abort, cancel.cancelTiming?.value ?? 0);
  }
}

/** The name in code of the method that is called: the contract's name begins with a capital letter. */
function methodOf({ method = '' }: ClientCompatRequest): MethodName {
  const name = method.charAt(0).toLowerCase() + method.slice(1);
  if (!isMethodName(name)) throw new Error(`the service has no method ${method}`);
  return name;
}

const METHODS: Readonly<Record<MethodName, true>> = {
  unary: true,
  serverStream: true,
  clientStream: true,
  bidiStream: true,
  unimplemented: true,
  idempotentUnary: true,
};

function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}
