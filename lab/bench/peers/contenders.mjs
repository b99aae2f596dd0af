/**
 * What is compared, in the order of the report. Each has a folder with `server.mjs` (`serve`) and `client.mjs` (`connect`).
 *
 * @typedef {object} Contender
 * @property {string} [variant] For a folder that two contenders share.
 * @property {readonly string[]} packages Whose versions the report has.
 * @property {string} form What is measured, for the report.
 * @property {boolean} [inProcess] It has no server process: client and server are one.
 * @property {Record<string, string>} [cannot] Why it can't run a workload, by the workload's name.
 */

const NO_BALANCING = 'its client calls one address: it has no balancing of its own';
const NO_CLIENT_STREAMS = 'tRPC has queries, mutations and subscriptions, but no streams from the client';

/** The contender whose figures are 1. */
export const BASE = 'grpc-js';

export const CONTENDERS = [
  {
    name: BASE,
    title: 'grpc-js',
    folder: 'grpc-js',
    variant: 'proto-loader',
    packages: ['@grpc/grpc-js', '@grpc/proto-loader'],
    form: 'plain grpc-js with proto-loader, as in grpc.io’s tutorial',
  },
  {
    name: 'ts-proto',
    title: 'grpc-js, ts-proto',
    folder: 'grpc-js',
    variant: 'ts-proto',
    packages: ['@grpc/grpc-js'],
    form: 'plain grpc-js with the code that ts-proto generates',
  },
  {
    name: 'nice-grpc',
    title: 'nice-grpc',
    folder: 'nice-grpc',
    packages: ['nice-grpc', '@grpc/grpc-js'],
    form: 'as in its README, with ts-proto',
  },
  {
    name: 'connect',
    title: 'connect-node',
    folder: 'connect',
    packages: ['@connectrpc/connect', '@connectrpc/connect-node', '@bufbuild/protobuf'],
    form: 'gRPC over HTTP/2: connectNodeAdapter and createGrpcTransport',
    cannot: { replicas: NO_BALANCING },
  },
  {
    name: 'nestjs',
    title: 'NestJS',
    folder: 'nestjs',
    packages: ['@nestjs/core', '@nestjs/microservices', '@grpc/grpc-js', '@grpc/proto-loader'],
    form: 'its gRPC microservice, with the loader options of grpc.io’s tutorial',
  },
  {
    name: 'moleculer',
    title: 'Moleculer',
    folder: 'moleculer',
    packages: ['moleculer'],
    form: 'no gRPC: its TCP transporter with JSON; payloads are strings; maxPacketSize is 4 MiB',
  },
  {
    name: 'trpc',
    title: 'tRPC',
    folder: 'trpc',
    packages: ['@trpc/server', '@trpc/client', 'ws'],
    form: 'no gRPC: WebSockets with JSON, its fastest adapter; payloads are strings',
    cannot: { 'client-stream': NO_CLIENT_STREAMS, 'ping-pong': NO_CLIENT_STREAMS, replicas: NO_BALANCING },
  },
  {
    name: 'dubbo',
    title: 'dubbo-js',
    folder: 'dubbo',
    packages: ['@apachedubbo/dubbo', '@apachedubbo/dubbo-node'],
    form: 'no gRPC: Triple over HTTP/2: dubboNodeAdapter and createDubboTransport',
    cannot: { replicas: NO_BALANCING },
  },
  {
    name: 'http2',
    title: 'node:http2',
    folder: 'http2',
    packages: [],
    form: 'the floor: no codec, bytes that are made before the first call',
  },
  {
    name: 'rondo',
    title: 'Rondo, grpc',
    folder: 'rondo',
    variant: 'grpc',
    packages: ['@rondo/rpc'],
    form: 'a service as it starts with its whole chain, its log to /dev/null; a channel with its defaults; calls with deadlines',
  },
  {
    name: 'rondo-frames',
    title: 'Rondo, frames',
    folder: 'rondo',
    variant: 'frames',
    packages: ['@rondo/rpc'],
    form: 'the same, and calls go by frames, as between processes that are registered',
  },
  {
    name: 'rondo-memory',
    title: 'Rondo, memory',
    folder: 'rondo',
    variant: 'memory',
    packages: ['@rondo/rpc'],
    form: 'in one process: its calls cross no wire, and the client’s processor time is that of both ends',
    inProcess: true,
    cannot: { replicas: 'one process has no replicas' },
  },
];
