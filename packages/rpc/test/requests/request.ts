import { once } from 'node:events';
import http2, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { type StatusName, statusFromCode } from '../../src/exports/status.js';
import { statusName } from '../../src/status/code.js';
import { firstOf, open, type Victim } from '../attacks/attempt.js';
import { BEGIN, frameReader, message, pathOf, TYPE } from '../attacks/frames.js';

/**
 * The outcome of a request: a gRPC status, an HTTP status, or the end of its stream or connection with an HTTP/2 code.
 */
export type Outcome = StatusName | `HTTP ${number}` | `RST_STREAM ${number}` | `GOAWAY ${number}` | 'closed';

/** One broken request and its expected outcome; several if versions of Node differ. */
export interface BadRequest {
  readonly name: string;
  readonly outcome: Outcome | readonly Outcome[];
  readonly send: (victim: Victim) => Promise<Outcome>;
}

export interface RequestOptions {
  readonly method?: string;
  /** The headers that differ from a good request; undefined omits one. */
  readonly headers?: OutgoingHttpHeaders;
  /** One empty message by default. */
  readonly body?: Uint8Array;
  /** Whether the request stream stays open. */
  readonly open?: boolean;
}

/** A request that an HTTP/2 client can send. */
export function request(name: string, outcome: Outcome, options: RequestOptions = {}): BadRequest {
  return { name, outcome, send: (victim) => sendRequest(victim, options) };
}

async function sendRequest({ port }: Victim, options: RequestOptions): Promise<Outcome> {
  const { method = 'Unary', headers = {}, body = message(), open: stays = false } = options;
  const session = http2.connect(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: Number.MAX_SAFE_INTEGER });
  let goAway: number | undefined;
  session.on('goaway', (code) => {
    goAway ??= code;
  });
  session.on('error', () => session.destroy());
  // As gRPC clients do: from then on the server's limits hold.
  await once(session, 'remoteSettings');
  const good = { ':method': 'POST', ':path': pathOf(method), 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...good, ...headers }, { endStream: false });
  const received: IncomingHttpHeaders = {};
  stream.on('error', () => undefined);
  stream.on('response', (header) => Object.assign(received, header));
  stream.on('trailers', (trailers) => Object.assign(received, trailers));
  stream.resume();
  if (stays) stream.write(body);
  else stream.end(body);
  // Once the server has answered, an unfinished request no longer matters.
  stream.on('end', () => stream.close());
  await new Promise((resolve) => stream.once('close', resolve));
  const code = stream.rstCode ?? 0;
  session.destroy();
  const status = received['grpc-status'];
  if (status !== undefined) return statusName(statusFromCode(Number(status)));
  if (goAway !== undefined) return `GOAWAY ${goAway}`;
  const http = received[':status'];
  return http === undefined ? `RST_STREAM ${code}` : `HTTP ${Number(http)}`;
}

/** A request in frames, which no HTTP/2 client would send: the server ends its stream or its connection. */
export function framed(name: string, outcome: BadRequest['outcome'], ...frames: readonly Uint8Array[]): BadRequest {
  return { name, outcome, send: (victim) => sendFrames(victim, Buffer.concat([BEGIN, ...frames])) };
}

async function sendFrames(victim: Victim, bytes: Uint8Array): Promise<Outcome> {
  const socket = await open(victim);
  let outcome: Outcome = 'closed';
  const read = frameReader(({ type, payload }) => {
    if (type === TYPE.RST_STREAM) outcome = `RST_STREAM ${payload.readUInt32BE(0)}`;
    if (type === TYPE.GOAWAY) outcome = `GOAWAY ${payload.readUInt32BE(4)}`;
    if (outcome !== 'closed') socket.emit('outcome');
  });
  socket.on('data', read);
  socket.write(bytes);
  await firstOf(socket, ['outcome', 'close']);
  socket.destroy();
  return outcome;
}
