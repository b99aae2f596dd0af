/** The same client on plain grpc-js: a case that also fails here fails because of grpc-js. */
import * as grpc from '@grpc/grpc-js';
import { Compression } from '@rondo/contracts/connectrpc/conformance/v1/config';
import {
  BidiStreamResponse,
  ClientStreamResponse,
  type ConformancePayload,
  IdempotentUnaryResponse,
  ServerStreamResponse,
  UnaryResponse,
} from '@rondo/contracts/connectrpc/conformance/v1/service';
import { Status } from '@rondo/contracts/google/rpc/status';
import { CallFailure, type CaseCall, only } from './case.js';
import { callSuite } from './client-under-test.js';
import { fromGrpcMetadata, identity, pathOf, STATUS_DETAILS, toGrpcMetadata } from './plain.js';

type AnyCall = grpc.ClientUnaryCall | grpc.ClientWritableStream<Buffer> | StreamCall;
type StreamCall = grpc.ClientReadableStream<Answer> | grpc.ClientDuplexStream<Buffer, Answer>;

await callSuite(async function* call(called) {
  const { host, port } = called.request;
  const client = new grpc.Client(`${host}:${port}`, grpc.credentials.createInsecure(), channelOptions(called));
  try {
    yield* answers(client, called);
  } catch (error) {
    throw toFailure(error, called);
  } finally {
    client.close();
  }
});

function channelOptions({ request: { messageReceiveLimit, compression } }: CaseCall): grpc.ChannelOptions {
  return {
    ...(messageReceiveLimit !== 0 && { 'grpc.max_receive_message_length': messageReceiveLimit }),
    ...(compression === Compression.COMPRESSION_GZIP && {
      'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
    }),
  };
}

function answers(client: grpc.Client, call: CaseCall): AsyncIterable<ConformancePayload> {
  switch (call.method) {
    case 'unary':
      return unary(client, call, (bytes) => UnaryResponse.decode(bytes));
    case 'idempotentUnary':
      return unary(client, call, (bytes) => IdempotentUnaryResponse.decode(bytes));
    case 'unimplemented':
      return unary(client, call, () => ({ payload: undefined }));
    case 'clientStream':
      return clientStream(client, call);
    case 'serverStream':
      return serverStream(client, call);
    case 'bidiStream':
      return bidiStream(client, call);
  }
}

interface Answer {
  readonly payload: ConformancePayload | undefined;
}

type Decode = (bytes: Buffer) => Answer;
type Respond = grpc.requestCallback<Answer>;

async function* unary(client: grpc.Client, call: CaseCall, decode: Decode): AsyncGenerator<ConformancePayload> {
  const message = await only(call.requests);
  const metadata = toGrpcMetadata(call.request.requestHeaders);
  const path = pathOf(call.method);
  yield await answerTo((respond) => {
    follow(client.makeUnaryRequest(path, identity, decode, message, metadata, toOptions(call), respond), call);
  });
}

async function* clientStream(client: grpc.Client, call: CaseCall): AsyncGenerator<ConformancePayload> {
  const metadata = toGrpcMetadata(call.request.requestHeaders);
  const path = pathOf(call.method);
  const decode: Decode = (bytes) => ClientStreamResponse.decode(bytes);
  yield await answerTo((respond) => {
    const stream = client.makeClientStreamRequest(path, identity, decode, metadata, toOptions(call), respond);
    follow(stream, call);
    void writeAll(stream, call.requests);
  });
}

function answerTo(begin: (respond: Respond) => void): Promise<ConformancePayload> {
  return new Promise((resolve, reject) => {
    begin((error, answer) => (error === null ? resolve(payloadOf(answer)) : reject(error)));
  });
}

async function* serverStream(client: grpc.Client, call: CaseCall): AsyncGenerator<ConformancePayload> {
  const message = await only(call.requests);
  const metadata = toGrpcMetadata(call.request.requestHeaders);
  const path = pathOf(call.method);
  const decode: Decode = (bytes) => ServerStreamResponse.decode(bytes);
  const stream = client.makeServerStreamRequest(path, identity, decode, message, metadata, toOptions(call));
  follow(stream, call);
  yield* read(stream);
}

async function* bidiStream(client: grpc.Client, call: CaseCall): AsyncGenerator<ConformancePayload> {
  const metadata = toGrpcMetadata(call.request.requestHeaders);
  const decode: Decode = (bytes) => BidiStreamResponse.decode(bytes);
  const stream = client.makeBidiStreamRequest(pathOf(call.method), identity, decode, metadata, toOptions(call));
  follow(stream, call);
  void writeAll(stream, call.requests);
  yield* read(stream);
}

function toOptions({ request: { timeoutMs } }: CaseCall): grpc.CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function follow(stream: AnyCall, { signal, onHeader, onTrailer }: CaseCall): void {
  stream.on('metadata', (metadata: grpc.Metadata) => onHeader(fromGrpcMetadata(metadata)));
  stream.on('status', ({ metadata }: grpc.StatusObject) => onTrailer(fromGrpcMetadata(metadata)));
  if (signal.aborted) stream.cancel();
  signal.addEventListener('abort', () => stream.cancel(), { once: true });
}

/** The messages by the stream's events, up to the error that ends it. */
async function* read(stream: StreamCall): AsyncGenerator<ConformancePayload> {
  const messages: Answer[] = [];
  let ended = false;
  let failure: unknown;
  let wake: () => void = () => undefined;
  stream.on('data', (message: Answer) => {
    messages.push(message);
    wake();
  });
  stream.on('error', (error) => {
    failure = error;
    wake();
  });
  stream.on('status', () => {
    ended = true;
    wake();
  });
  for (;;) {
    const message = messages.shift();
    if (message !== undefined) yield payloadOf(message);
    else if (failure !== undefined) throw failure;
    else if (ended) return;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}

type Writable = grpc.ClientWritableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Answer>;

async function writeAll(stream: Writable, requests: AsyncIterable<Buffer>): Promise<void> {
  for await (const request of requests) stream.write(request);
  stream.end();
}

function payloadOf(answer: Answer | undefined): ConformancePayload {
  return answer?.payload ?? { data: Buffer.alloc(0), requestInfo: undefined };
}

function toFailure(error: unknown, { onTrailer }: CaseCall): unknown {
  if (!isServiceError(error)) return error;
  onTrailer(fromGrpcMetadata(error.metadata));
  const packed = error.metadata.get(STATUS_DETAILS)[0];
  const details = packed instanceof Buffer ? Status.decode(packed).details : [];
  // The error of grpc-js for an answer that it can't decompress has neither code nor text.
  return new CallFailure({ code: Number(error.code ?? 0), message: error.details ?? '', details });
}

function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}
