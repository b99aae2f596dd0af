import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/** An HTTP/2 server whose streams and connections a test controls. */
export interface RawServer {
  readonly address: string;
  /** Breaks every connection, as a killed process does. */
  kill(): void;
  /** Sends raw `bytes` on every connection, bypassing HTTP/2. */
  write(bytes: Uint8Array): void;
  /** Closes every connection gracefully, whatever is in flight. */
  end(): void;
  close(): Promise<void>;
}

export type OnStream = (
  stream: http2.ServerHttp2Stream,
  session: http2.ServerHttp2Session,
  headers: http2.IncomingHttpHeaders,
) => void;

const GRPC_HEADER = { ':status': 200, 'content-type': 'application/grpc+proto' };
/** One empty message. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** Starts a server on a free port of the loopback interface. */
export async function startRawServer(onStream: OnStream): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const server = http2.createServer();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    session.on('error', () => session.destroy());
    session.on('stream', (stream, headers) => {
      stream.on('error', () => stream.destroy());
      onStream(stream, session, headers);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const kill = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const write = (bytes: Uint8Array) => {
    for (const socket of sockets) socket.write(bytes);
  };
  const end = () => {
    for (const socket of sockets) socket.end();
  };
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      kill();
    });
  return { address: `127.0.0.1:${port}`, kill, write, end, close };
}

/** Sends a header and `messages` empty messages, and leaves the stream open. */
export function answerPartly(stream: http2.ServerHttp2Stream, messages: number): void {
  stream.respond(GRPC_HEADER);
  for (let message = 0; message < messages; message += 1) stream.write(EMPTY_MESSAGE);
}

/** Fails a call with one block of trailers. */
export function answerWithStatus(stream: http2.ServerHttp2Stream, code: number, message: string): void {
  stream.respond({ ...GRPC_HEADER, 'grpc-status': code, 'grpc-message': message }, { endStream: true });
}

/** Sends a header and one message, then fails the call. */
export function answerThenFail(stream: http2.ServerHttp2Stream, code: number, message: string): void {
  stream.respond(GRPC_HEADER, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code, 'grpc-message': message }));
  stream.end(EMPTY_MESSAGE);
}
