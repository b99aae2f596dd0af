/** The same service on plain grpc-js: a case that also fails here fails because of grpc-js. */
import * as grpc from '@grpc/grpc-js';
import {
  BidiStreamRequest,
  BidiStreamResponse,
  ClientStreamRequest,
  ClientStreamResponse,
  type ConformancePayload,
  type Error as RequestedError,
  ServerStreamRequest,
  ServerStreamResponse,
  UnaryRequest,
  UnaryResponse,
} from '@rondo/contracts/connectrpc/conformance/v1/service';
import { Status } from '@rondo/contracts/google/rpc/status';
import { pack, type ReceivedCall, replies, reply, type StreamRequest } from './answers.js';
import { fromGrpcMetadata, pathOf, STATUS_DETAILS, toGrpcMetadata } from './plain.js';
import { serveSuite } from './server-under-test.js';

interface Answer {
  readonly payload: ConformancePayload;
}

type UnaryCall = grpc.ServerUnaryCall<UnaryRequest, Answer>;
type ClientStreamCall = grpc.ServerReadableStream<ClientStreamRequest, Answer>;
type ServerStreamCall = grpc.ServerWritableStream<ServerStreamRequest, Answer>;
type BidiStreamCall = grpc.ServerDuplexStream<BidiStreamRequest, Answer>;
type Respond = grpc.sendUnaryData<Answer>;

function encoder<T>(type: { encode(message: T): { finish(): Uint8Array } }) {
  return (message: T) => Buffer.from(type.encode(message).finish());
}

function decoder<T>(type: { decode(bytes: Buffer): T }) {
  return (bytes: Buffer) => type.decode(bytes);
}

/** A call, with the metadata for its outcome. */
class PlainCall implements ReceivedCall {
  readonly headers;
  readonly timeoutMs;
  trailer = new grpc.Metadata();
  readonly #call;

  constructor(call: UnaryCall | ClientStreamCall | ServerStreamCall | BidiStreamCall) {
    this.#call = call;
    this.headers = fromGrpcMetadata(call.metadata);
    const leftMs = Number(call.getDeadline()) - Date.now();
    this.timeoutMs = Number.isFinite(leftMs) ? leftMs : undefined;
  }

  answerWith: ReceivedCall['answerWith'] = (headers, trailers) => {
    this.#call.sendMetadata(toGrpcMetadata(headers));
    this.trailer = toGrpcMetadata(trailers);
  };

  toError({ code, message = '', details }: RequestedError): Error {
    const metadata = this.trailer.clone();
    const packed = Status.encode({ code, message, details }).finish();
    if (details.length > 0) metadata.set(STATUS_DETAILS, Buffer.from(packed));
    return Object.assign(new Error(message), { code, details: message, metadata });
  }
}

function unary(call: UnaryCall, respond: Respond): void {
  const received = new PlainCall(call);
  const { request } = call;
  respondWith(reply([pack(UnaryRequest, request)], request.responseDefinition, received), { received, respond });
}

function clientStream(call: ClientStreamCall, respond: Respond): void {
  const received = new PlainCall(call);
  const requests: ClientStreamRequest[] = [];
  call.on('data', (request: ClientStreamRequest) => requests.push(request));
  call.on('end', () => {
    const packed = requests.map((request) => pack(ClientStreamRequest, request));
    respondWith(reply(packed, requests[0]?.responseDefinition, received), { received, respond });
  });
}

interface Ends {
  readonly received: PlainCall;
  readonly respond: Respond;
}

function respondWith(answer: Promise<ConformancePayload>, { received, respond }: Ends): void {
  answer.then(
    (payload) => respond(null, { payload }, received.trailer),
    (error: Error) => respond(error, null),
  );
}

function serverStream(call: ServerStreamCall): void {
  const { request } = call;
  const { responseDefinition } = request;
  void stream(call, iterate([{ packed: pack(ServerStreamRequest, request), responseDefinition, fullDuplex: false }]));
}

function bidiStream(call: BidiStreamCall): void {
  void stream(call, packing(call));
}

async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function* packing(call: BidiStreamCall): AsyncGenerator<StreamRequest> {
  for await (const request of call.iterator({ destroyOnReturn: false })) {
    const { responseDefinition, fullDuplex } = request;
    yield { packed: pack(BidiStreamRequest, request), responseDefinition, fullDuplex };
  }
}

async function stream(call: ServerStreamCall | BidiStreamCall, requests: AsyncIterable<StreamRequest>): Promise<void> {
  const received = new PlainCall(call);
  try {
    for await (const payload of replies(requests, received)) call.write({ payload });
    call.end(received.trailer);
  } catch (error) {
    call.emit('error', error);
  }
}

await serveSuite(({ maxRequestBytes }) => {
  const limit = maxRequestBytes === undefined ? {} : { 'grpc.max_receive_message_length': maxRequestBytes };
  const server = new grpc.Server(limit);
  server.register(pathOf('unary'), unary, encoder(UnaryResponse), decoder(UnaryRequest), 'unary');
  const answer = encoder(ClientStreamResponse);
  server.register(pathOf('clientStream'), clientStream, answer, decoder(ClientStreamRequest), 'clientStream');
  const reply = encoder(ServerStreamResponse);
  server.register(pathOf('serverStream'), serverStream, reply, decoder(ServerStreamRequest), 'serverStream');
  server.register(pathOf('bidiStream'), bidiStream, encoder(BidiStreamResponse), decoder(BidiStreamRequest), 'bidi');
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
});
