import type { ServerHttp2Stream } from 'node:http2';
import { ConnectRequest, ConnectResponse } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import type { Status } from '../../src/exports/status.js';
import { TUNNEL_PATH } from '../../src/transport/tunnel/frames.js';
import { startRawServer } from './http2-server.js';

/** A message to a client: frames, or any bytes. */
export type Sent = Parameters<typeof ConnectResponse.fromPartial>[0] | Buffer;

/** One tunnel of a {@link HostileServer}. */
export interface HostileStream {
  send(message: Sent): void;
  /** Ends it with a status. */
  end(code: Status, details: string): void;
}

/** What a hostile server does with the calls of a message. */
export type Attack = (stream: HostileStream, ids: readonly number[]) => void;

/** A server that speaks gRPC, and breaks the contract of tunnels. It answers every call that isn't attacked. */
export interface HostileServer {
  readonly address: string;
  /** How many tunnels were opened and how many have ended, and how many calls came through them and by gRPC. */
  readonly counts: { opened: number; ended: number; tunnelled: number; plain: number };
  /** What becomes of tunnelled calls. They are answered well while it is undefined. */
  attack: Attack | undefined;
  close(): Promise<void>;
}

const WELCOME: Sent = {
  welcome: { version: 1, maxCalls: 1_000, maxRequestBytes: 60_000, maxUnansweredBytes: 2 ** 24 },
};
const HEADERS = { ':status': 200, 'content-type': 'application/grpc' };
const PREFIX_BYTES = 5;

/** @param welcome what it answers to hello. */
export async function startHostileServer(welcome: Sent = WELCOME): Promise<HostileServer> {
  const server = await startRawServer((stream, _session, { ':path': path }) => {
    const answer = respond(stream);
    if (path === TUNNEL_PATH) serveTunnel(stream, { answer, hostile, welcome });
    else answerPlain(answer, hostile);
  });
  const hostile: HostileServer = {
    address: server.address,
    counts: { opened: 0, ended: 0, tunnelled: 0, plain: 0 },
    attack: undefined,
    close: () => server.close(),
  };
  return hostile;
}

function respond(stream: ServerHttp2Stream): HostileStream {
  let trailers = {};
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.respond(HEADERS, { waitForTrailers: true });
  return {
    send(message) {
      if (!stream.writableEnded) stream.write(prefixed(toBytes(message)));
    },
    end(code, details) {
      trailers = { 'grpc-status': String(code), 'grpc-message': details };
      stream.end();
    },
  };
}

function answerPlain({ send, end }: HostileStream, { counts }: HostileServer): void {
  counts.plain += 1;
  send(Buffer.alloc(0));
  end(0, '');
}

/** What a tunnel is served with. */
interface Served {
  readonly answer: HostileStream;
  readonly hostile: HostileServer;
  readonly welcome: Sent;
}

function serveTunnel(stream: ServerHttp2Stream, { answer, hostile, welcome }: Served): void {
  const { counts } = hostile;
  counts.opened += 1;
  stream.once('close', () => {
    counts.ended += 1;
  });
  const read = (bytes: Buffer) => {
    const { hello, calls } = ConnectRequest.decode(bytes);
    if (hello !== undefined) answer.send(welcome);
    const ids = calls.filter(({ cancel }) => !cancel).map(({ id }) => id);
    if (ids.length === 0) return;
    counts.tunnelled += ids.length;
    if (hostile.attack === undefined) answer.send({ replies: ids.map((id) => ({ id })) });
    else hostile.attack(answer, ids);
  };
  let received = Buffer.alloc(0);
  stream.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (let end = endOf(received); end <= received.length; end = endOf(received)) {
      read(received.subarray(PREFIX_BYTES, end));
      received = received.subarray(end);
    }
  });
}

/** Where the first message ends; never if its length isn't there. */
const endOf = (received: Buffer): number =>
  received.length < PREFIX_BYTES ? Number.POSITIVE_INFINITY : PREFIX_BYTES + received.readUInt32BE(1);

function prefixed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The bytes of a message. */
export const toBytes = (message: Sent): Buffer =>
  Buffer.isBuffer(message)
    ? message
    : Buffer.from(ConnectResponse.encode(ConnectResponse.fromPartial(message)).finish());
