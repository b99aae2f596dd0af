import { createServer, type Socket } from 'node:net';
import { FRAMES_VERSION, KIND, PREFACE } from '../../src/transport/frames/frames.js';
import { frameOf, readFrames, type Sent, toBytes } from './raw-frames.js';

/** One connection of a {@link HostileServer}. */
export interface HostileConnection {
  send(frame: Sent): void;
  /** Reads nothing any more. */
  pause(): void;
  close(): void;
}

/** What a hostile server does with a call. */
export type Attack = (connection: HostileConnection, id: number) => void;

/** A server that breaks the rules of frames. It answers every call that isn't attacked. */
export interface HostileServer {
  readonly address: string;
  /** How many connections were opened with frames and otherwise, how many have closed, and how many calls came in frames. */
  readonly counts: { frames: number; others: number; closed: number; calls: number };
  /** What becomes of calls. They are answered well while it is undefined. */
  attack: Attack | undefined;
  close(): Promise<void>;
}

const WELCOME: Sent = {
  welcome: { version: FRAMES_VERSION, maxCalls: 1_000, maxRequestBytes: 60_000, maxUnansweredBytes: 2 ** 24 },
};

/** @param welcome what it answers to hello. */
export async function startHostileServer(welcome: Sent = WELCOME): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.once('data', (first: Buffer) => {
      if (PREFACE.compare(first, 0, PREFACE.length) !== 0) {
        hostile.counts.others += 1;
        socket.destroy();
      } else serve(socket, first.subarray(PREFACE.length));
    });
  });
  const serve = (socket: Socket, first: Buffer) => {
    const { counts } = hostile;
    counts.frames += 1;
    socket.once('close', () => {
      counts.closed += 1;
    });
    const connection: HostileConnection = {
      send(sent) {
        if (!socket.destroyed) socket.write(toBytes(sent));
      },
      pause: () => socket.pause(),
      close: () => socket.destroy(),
    };
    const read = readFrames(({ kind, hello, call }) => {
      if (hello !== undefined) connection.send(welcome);
      if (kind === KIND.ping) connection.send(frameOf(KIND.pong, Buffer.alloc(0)));
      if (call === undefined) return;
      counts.calls += 1;
      if (hostile.attack === undefined) connection.send({ end: { id: call.id, message: Buffer.alloc(0) } });
      else hostile.attack(connection, call.id);
    });
    socket.on('data', read);
    read(first);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  const hostile: HostileServer = {
    address: `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`,
    counts: { frames: 0, others: 0, closed: 0, calls: 0 },
    attack: undefined,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return hostile;
}
