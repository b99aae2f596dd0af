import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConformancePayload,
  type Header,
  type Error as RequestedError,
  ConformancePayload_RequestInfo as RequestInfo,
  type StreamResponseDefinition,
  type UnaryResponseDefinition,
} from '@rondo/contracts/connectrpc/conformance/v1/service';
import type { Any } from '@rondo/contracts/google/protobuf/any';

/** A call as the conformance service sees it, by any implementation of gRPC. */
export interface ReceivedCall {
  readonly headers: readonly Header[];
  /** The rest of the client's timeout in milliseconds; undefined if the client set none. */
  readonly timeoutMs: number | undefined;
  /** Sets the metadata of the answer, and sends its header if the implementation can do so before the first message. */
  answerWith(headers: readonly Header[], trailers: readonly Header[]): void;
  /** The error that a handler throws to end the call with a status. */
  toError(requested: RequestedError): Error;
}

/** A request that asks for a stream of answers. */
export interface StreamRequest {
  readonly packed: Any;
  readonly responseDefinition: StreamResponseDefinition | undefined;
  readonly fullDuplex: boolean;
}

/** A message type of the contracts. */
interface MessageType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
}

/** Packs a message as `google.protobuf.Any` does. */
export function pack<T>(type: MessageType<T>, message: T): Any {
  return { typeUrl: `type.googleapis.com/${type.$type}`, value: Buffer.from(type.encode(message).finish()) };
}

/** The one answer to `requests`, which the first of them defines. */
export async function reply(
  requests: readonly Any[],
  definition: UnaryResponseDefinition | undefined,
  call: ReceivedCall,
): Promise<ConformancePayload> {
  const requestInfo = infoOf(call, requests);
  if (definition === undefined) return { data: Buffer.alloc(0), requestInfo };
  const { response, responseHeaders, responseTrailers, responseDelayMs } = definition;
  call.answerWith(responseHeaders, responseTrailers);
  await sleep(responseDelayMs);
  if (response?.$case === 'error') throw call.toError(withInfo(response.value, requestInfo));
  return { data: response?.value ?? Buffer.alloc(0), requestInfo };
}

/**
 * The answers to `requests`, which the first of them defines. In full duplex each request is answered when it comes, and the
 * other answers follow the last request. In half duplex all answers follow the last request.
 */
export async function* replies(
  requests: AsyncIterable<StreamRequest>,
  call: ReceivedCall,
): AsyncGenerator<ConformancePayload> {
  let first: StreamRequest | undefined;
  let unanswered: Any[] = [];
  let sent = 0;
  const answer = async ({ responseDelayMs, responseData }: StreamResponseDefinition) => {
    const requestInfo = sent === 0 ? infoOf(call, unanswered) : infoOfRequests(first, unanswered);
    const data = responseData[sent] ?? Buffer.alloc(0);
    sent += 1;
    unanswered = [];
    await sleep(responseDelayMs);
    return { data, requestInfo };
  };
  for await (const request of requests) {
    if (first === undefined) {
      first = request;
      const { responseHeaders = [], responseTrailers = [] } = request.responseDefinition ?? {};
      call.answerWith(responseHeaders, responseTrailers);
    }
    unanswered.push(request.packed);
    const definition = first.responseDefinition;
    if (!first.fullDuplex) continue;
    if (definition === undefined || sent >= definition.responseData.length) break;
    yield await answer(definition);
  }
  const definition = first?.responseDefinition;
  if (definition === undefined) return;
  while (sent < definition.responseData.length) yield await answer(definition);
  const { error } = definition;
  if (error !== undefined) throw call.toError(sent === 0 ? withInfo(error, infoOf(call, unanswered)) : error);
}

/** What the service has seen of the call. The first answer has it. */
function infoOf({ headers, timeoutMs }: ReceivedCall, requests: readonly Any[]): RequestInfo {
  const timeout = timeoutMs === undefined ? undefined : BigInt(Math.floor(Math.max(0, timeoutMs)));
  // It names the version of Go, on which the length of details would depend, and by that the list of failing cases.
  const requestHeaders = headers.filter(({ name }) => name !== 'user-agent');
  return { requestHeaders, timeoutMs: timeout, requests: [...requests], connectGetInfo: undefined };
}

/** The content of later answers: in full duplex the requests since the last answer, else nothing. */
function infoOfRequests(first: StreamRequest | undefined, requests: readonly Any[]): RequestInfo | undefined {
  if (first?.fullDuplex !== true) return undefined;
  return { requestHeaders: [], timeoutMs: undefined, requests: [...requests], connectGetInfo: undefined };
}

/** An error before any answer has the content of the first answer. */
function withInfo(error: RequestedError, info: RequestInfo): RequestedError {
  return { ...error, details: [...error.details, pack(RequestInfo, info)] };
}
