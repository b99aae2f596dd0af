import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ACK, END_STREAM, frame, frameReader, PREFACE, settings, TYPE } from '../attacks/frames.js';
import { type Answer, begin, MESSAGE, OK, type Piece } from './answer.js';

/** A hand-written HTTP/2 server that answers every call in the same way. */
export interface Peer {
  readonly address: string;
  /** The number of connections made to it. */
  readonly connections: () => number;
  /** Makes it answer well from now on, on each connection that still can. */
  recover(): void;
  close(): Promise<void>;
}

const GOOD: Omit<Answer, 'name' | 'code' | 'connection'> = { pieces: [begin(), MESSAGE, OK] };

/** Starts a server that sends `answer`; a good one if missing. */
export async function startPeer(answer: typeof GOOD = GOOD): Promise<Peer> {
  let given = answer;
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    serve(socket, () => given);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    connections: () => connections,
    recover() {
      given = GOOD;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(socket: Socket, given: () => typeof GOOD): void {
  socket.setNoDelay();
  socket.write(given().greeting ?? settings());
  const seen: (() => void)[] = [];
  const read = frameReader(({ type, flags, stream, payload }) => {
    if (type === TYPE.SETTINGS && flags !== ACK) socket.write(frame(TYPE.SETTINGS, { flags: ACK }));
    const { early = false, pieces } = given();
    // When the client gives a connection up over an error, the server closes it.
    if (type === TYPE.GOAWAY && payload.readUInt32BE(4) !== 0) socket.end();
    if (type === TYPE.PING && flags === ACK) seen.shift()?.();
    const begins = type === TYPE.HEADERS;
    const ends = (begins || type === TYPE.DATA) && (flags & END_STREAM) !== 0;
    if (early ? begins : ends) void play(socket, stream, { pieces, seen });
  });
  let preface = PREFACE.length;
  socket.on('data', (bytes) => {
    const skipped = Math.min(preface, bytes.length);
    preface -= skipped;
    read(bytes.subarray(skipped));
  });
}

interface Play {
  readonly pieces: readonly Piece[];
  readonly seen: (() => void)[];
}

async function play(socket: Socket, stream: number, { pieces, seen }: Play): Promise<void> {
  for (const piece of pieces) {
    if (typeof piece === 'function') socket.write(piece(stream));
    else if (piece === 'end') socket.end();
    else if (piece === 'reset') socket.resetAndDestroy();
    else {
      await new Promise<void>((resolve) => {
        seen.push(resolve);
        socket.write(frame(TYPE.PING, { payload: Buffer.alloc(8) }));
      });
    }
  }
}
