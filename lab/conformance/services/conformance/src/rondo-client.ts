/** A Rondo client as a client under test. */
import { Compression } from '@rondo/contracts/connectrpc/conformance/v1/config';
import {
  BidiStreamRequest,
  ClientStreamRequest,
  type ConformancePayload,
  ConformanceServiceDefinition,
  IdempotentUnaryRequest,
  ConformancePayload_RequestInfo as RequestInfo,
  ServerStreamRequest,
  UnaryRequest,
} from '@rondo/contracts/connectrpc/conformance/v1/service';
import type { Any } from '@rondo/contracts/google/protobuf/any';
import { type CallOptions, type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { CallFailure, type CaseCall, only } from './case.js';
import { callSuite } from './client-under-test.js';
import { eachEntry, toHeaders } from './headers.js';

type SuiteClient = Client<typeof ConformanceServiceDefinition>;
interface Answer {
  readonly payload?: ConformancePayload | undefined;
}

const NO_PAYLOAD: ConformancePayload = { data: Buffer.alloc(0), requestInfo: undefined };

await callSuite(async function* call(called) {
  const { host, port, messageReceiveLimit, timeoutMs } = called.request;
  const channel = createChannel({
    resolver: staticResolver([`${host}:${port}`]),
    maxReplyBytes: messageReceiveLimit === 0 ? undefined : messageReceiveLimit,
  });
  try {
    const client = createClient(ConformanceServiceDefinition, { channel });
    for await (const { payload } of answers(client, called)) yield asked(payload ?? NO_PAYLOAD, timeoutMs);
  } catch (error) {
    throw toFailure(error, called);
  } finally {
    channel.close();
  }
});

async function* answers(client: SuiteClient, call: CaseCall): AsyncGenerator<Answer> {
  const { method, requests } = call;
  const options = toOptions(call);
  switch (method) {
    case 'unary':
      return yield await client.unary(UnaryRequest.decode(await only(requests)), options);
    case 'idempotentUnary':
      return yield await client.idempotentUnary(IdempotentUnaryRequest.decode(await only(requests)), options);
    case 'unimplemented':
      await only(requests);
      await client.unimplemented({}, options);
      return yield {};
    case 'clientStream':
      return yield await client.clientStream(decoded(requests, ClientStreamRequest), options);
    case 'serverStream':
      return yield* client.serverStream(ServerStreamRequest.decode(await only(requests)), options);
    case 'bidiStream':
      return yield* client.bidiStream(decoded(requests, BidiStreamRequest), options);
  }
}

function toOptions({ request, signal, onHeader, onTrailer }: CaseCall): CallOptions {
  const metadata: (readonly [string, string | Uint8Array])[] = [];
  eachEntry(request.requestHeaders, (key, value) => metadata.push([key, value]));
  const { timeoutMs, compression } = request;
  return {
    metadata,
    signal,
    ...(compression === Compression.COMPRESSION_GZIP && { compression: 'gzip' }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    onHeader: (header) => onHeader(toHeaders(header)),
    onTrailer: (trailer) => onTrailer(toHeaders(trailer)),
  };
}

async function* decoded<T>(requests: AsyncIterable<Buffer>, type: { decode(bytes: Buffer): T }): AsyncGenerator<T> {
  for await (const request of requests) yield type.decode(request);
}

function toFailure(error: unknown, { request, onTrailer }: CaseCall): unknown {
  if (!(error instanceof RpcError)) return error;
  onTrailer(toHeaders(error.metadata));
  const details = error.details.map((detail) => askedDetail(detail, request.timeoutMs));
  return new CallFailure({ code: error.code, message: error.message, details });
}

/**
 * Removes the contract's timeout of a unary call, as the suite expects that a client without a timeout sends none.
 */
function asked(payload: ConformancePayload, timeoutMs: number | undefined): ConformancePayload {
  if (timeoutMs !== undefined || payload.requestInfo === undefined) return payload;
  return { ...payload, requestInfo: { ...payload.requestInfo, timeoutMs: undefined } };
}

function askedDetail(detail: Any, timeoutMs: number | undefined): Any {
  if (timeoutMs !== undefined || !detail.typeUrl.endsWith(`/${RequestInfo.$type}`)) return detail;
  const info = { ...RequestInfo.decode(detail.value), timeoutMs: undefined };
  return { typeUrl: detail.typeUrl, value: Buffer.from(RequestInfo.encode(info).finish()) };
}
