import type { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type {
  BidiStreamRequest,
  BidiStreamResponse,
  ClientStreamRequest,
  ClientStreamResponse,
  ServerStreamRequest,
  ServerStreamResponse,
  UnaryRequest,
  UnaryResponse,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createRouter, type ServiceImplementation, serve } from '@rondo/rpc/server';
import { implementGrpcJs, overRondo } from '../src/exports/index.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const loaded = loadSync('rondo/conformance/v1/conformance.proto', {
  includeDirs: [`${root}proto`, `${root}node_modules/google-proto-files`],
});

/** `rondo.conformance.v1.ConformanceService`, as proto-loader makes it. */
export const conformance = definitionOf('rondo.conformance.v1.ConformanceService');

function definitionOf(name: string): grpc.ServiceDefinition {
  const found = loaded[name];
  if (found === undefined || 'format' in found) throw new Error('proto-loader made no service');
  return found;
}

/** Handlers of it, as generators type them. */
export type Implementation = {
  unary?: grpc.handleUnaryCall<UnaryRequest, Partial<UnaryResponse>>;
  unaryUnsafe?: grpc.handleUnaryCall<object, object>;
  clientStream?: grpc.handleClientStreamingCall<ClientStreamRequest, ClientStreamResponse>;
  serverStream?: grpc.handleServerStreamingCall<ServerStreamRequest, Partial<ServerStreamResponse>>;
  bidiStream?: grpc.handleBidiStreamingCall<BidiStreamRequest, BidiStreamResponse>;
};

type Given = readonly (grpc.Metadata | grpc.CallOptions)[];
type Done = (error: grpc.ServiceError | null, reply?: unknown) => void;

/** A client of it, as generators type it. */
export interface Client extends grpc.Client {
  unary(request: object, ...rest: readonly [...Given, Done]): grpc.ClientUnaryCall;
  unaryUnsafe(request: object, ...rest: readonly [...Given, Done]): grpc.ClientUnaryCall;
  clientStream(...rest: readonly [...Given, Done]): grpc.ClientWritableStream<object>;
  serverStream(request: object, ...given: Given): grpc.ClientReadableStream<ServerStreamResponse>;
  follow(request: object, ...given: Given): grpc.ClientReadableStream<ServerStreamResponse>;
  bidiStream(...given: Given): grpc.ClientDuplexStream<object, BidiStreamResponse>;
}

const Conformance = grpc.makeClientConstructor(conformance, 'ConformanceService');

export function clientOf(address: string, options: grpc.ClientOptions = {}): Client {
  const client: grpc.Client = new Conformance(address, grpc.credentials.createInsecure(), options);
  if (isConformance(client)) return client;
  throw new Error('the client has no methods');
}

function isConformance(client: grpc.Client): client is Client {
  return 'bidiStream' in client;
}

/** A service's definition as generators make it for grpc-js, here with the codec of Rondo's own contracts. */
export function generated({ fullName, methods }: ServiceImplementation['definition']): grpc.ServiceDefinition {
  const entries = Object.entries(methods).map(([key, { name, requestStream, responseStream, ...types }]) => {
    const [request, response] = [codecOf(types.requestType), codecOf(types.responseType)];
    const definition = {
      path: `/${fullName}/${name}`,
      requestStream,
      responseStream,
      requestSerialize: request.serialize,
      requestDeserialize: request.deserialize,
      responseSerialize: response.serialize,
      responseDeserialize: response.deserialize,
    };
    return [key, definition];
  });
  return Object.fromEntries(entries);
}

function codecOf(type: ServiceImplementation['definition']['methods'][string]['requestType']) {
  const serialize = (message: object) => Buffer.from(type.encode(type.fromPartial(message)).finish());
  return { serialize, deserialize: (bytes: Buffer) => type.decode(bytes) };
}

/** A client and the server that it calls. */
export interface Pair {
  readonly client: Client;
  close(): Promise<void>;
}

/** Serves an implementation, and calls it. */
type Connect = (implementation: Implementation) => Promise<Pair>;

/** Who is at the ends of a call: grpc-js alone, to which the others are held, or Rondo at one end or both. */
export const WAYS: readonly { readonly way: string; readonly connect: Connect }[] = [
  { way: 'grpc-js at both ends', connect: async (implementation) => called(await byGrpcJs(implementation)) },
  { way: 'a server of Rondo', connect: async (implementation) => called(await byRondo(implementation)) },
  { way: 'a client over Rondo', connect: async (implementation) => calledOver(await byGrpcJs(implementation)) },
  { way: 'Rondo at both ends', connect: async (implementation) => calledOver(await byRondo(implementation)) },
];

/** A server. */
interface Serving {
  readonly address: string;
  close(): Promise<void>;
}

export async function byGrpcJs(implementation: Implementation): Promise<Serving> {
  const server = new grpc.Server();
  server.addService(conformance, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}`, close: async () => server.forceShutdown() };
}

async function byRondo(implementation: Implementation): Promise<Serving> {
  const services = [implementGrpcJs(conformance, implementation)];
  const { address, drain } = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
  return { address, close: () => drain(0) };
}

function called(server: Serving): Pair {
  const client = clientOf(server.address);
  return {
    client,
    async close() {
      client.close();
      await server.close();
    },
  };
}

function calledOver(server: Serving): Pair {
  const channel = createChannel({ resolver: staticResolver([server.address]) });
  const client = clientOf('rondo', overRondo({ channel }));
  return {
    client,
    async close() {
      channel.close();
      await server.close();
    },
  };
}

export function metadataOf(entries: Readonly<Record<string, string | Buffer>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

/** The outcome of a call with one reply. */
export async function answerOf(start: (done: Done) => EventEmitter) {
  let error: grpc.ServiceError | undefined;
  let reply: unknown;
  let header: grpc.Metadata | undefined;
  const call = start((fault, value) => {
    error = fault ?? undefined;
    reply = value;
  });
  call.on('metadata', (received: grpc.Metadata) => {
    header = received;
  });
  const end = await endOf(call);
  return { error, reply, header, end };
}

/** All replies of a stream, and how it ended. */
export async function readAll<M>(call: grpc.ClientReadableStream<M>) {
  const messages: M[] = [];
  let error: grpc.ServiceError | undefined;
  let header: grpc.Metadata | undefined;
  call.on('metadata', (received: grpc.Metadata) => {
    header = received;
  });
  call.on('data', (message: M) => messages.push(message));
  call.on('error', (fault: grpc.ServiceError) => {
    error = fault;
  });
  const end = await endOf(call);
  return { messages, error, header, end };
}

/** The status of a call. */
export function endOf(call: EventEmitter): Promise<grpc.StatusObject> {
  return new Promise((resolve) => call.once('status', resolve));
}

/** Lets the event loop go round, so that whatever isn't held back happens. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
