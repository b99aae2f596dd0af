import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '@rondo/rpc/clock';
import { FrameReader, type JuteReader, JuteWriter } from './jute.js';

/** A session on a server: it outlives the connection, for its time-out, and its ephemeral nodes with it. */
export interface SessionKey {
  readonly id: bigint;
  readonly password: Buffer;
}

/** A session that doesn't exist yet: the server makes one. */
export const NO_SESSION: SessionKey = { id: 0n, password: Buffer.alloc(16) };

/** Answers of a server that a caller acts upon. */
export const ErrorCode = { noNode: -101, nodeExists: -110 } as const;

/** The server has refused a request. */
export class ZooKeeperError extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`ZooKeeper refuses a request with code ${code}`);
    this.code = code;
  }
}

/** The codes of requests. */
export const Op = {
  create: 1,
  delete: 2,
  getData: 4,
  setData: 5,
  getChildren: 8,
  createContainer: 19,
  addWatch: 106,
} as const;
const PING = 11;
const CLOSE = -11;

/** The numbers of frames that answer no request. */
const WATCH_XID = -1;
const PING_XID = -2;

const CONNECT_MS = 3_000;
/** More requests at a time can't be right: callers wait for answers. */
const MAX_PENDING = 10_000;

interface Pending {
  readonly resolve: (reply: JuteReader) => void;
  readonly reject: (error: Error) => void;
}

/** How a connection is made. */
export interface ConnectOptions {
  /** `host:port`. */
  readonly server: string;
  readonly session: SessionKey;
  /** The time-out of the session. Milliseconds; the server may choose another. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Opened = Pick<ConnectOptions, 'session' | 'timeoutMs' | 'clock'> & { readonly frames: FrameReader };

/** One connection to one server, within a session. A server that is silent for two thirds of the session's time-out ends it. */
export class Connection {
  readonly closed: Promise<Error>;
  readonly session: SessionKey;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #pingMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #watchers = new Set<(path: string) => void>();
  #xid = 0;
  #pings: Timer | undefined;
  #heardAt: number;

  /** Connects, and resumes the session or begins one. @throws Error if it can't, or if the session has expired. */
  static async open({ server, session, timeoutMs, clock, signal }: ConnectOptions): Promise<Connection> {
    const { hostname, port } = new URL(`tcp://${server}`);
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, '')).setNoDelay();
    const abort = (reason: Error) => socket.destroy(reason);
    const late = clock.setTimer(CONNECT_MS, () => abort(new Error(`${server}: no answer within ${CONNECT_MS} ms`)));
    const onAbort = () => abort(new Error('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const hello = new JuteWriter().int(0).long(0n).int(timeoutMs).long(session.id).bytes(session.password);
      socket.write(hello.bool(false).toFrame());
      const frames = new FrameReader();
      const answer = await firstFrame(socket, frames);
      answer.int();
      const agreedMs = answer.int();
      const key = { id: answer.long(), password: answer.bytes() };
      if (key.id === 0n || agreedMs <= 0) throw new ExpiredSession();
      return new Connection(socket, { frames, session: key, timeoutMs: agreedMs, clock });
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      late.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  private constructor(socket: Socket, { frames, session, timeoutMs, clock }: Opened) {
    this.#socket = socket;
    this.#clock = clock;
    this.#pingMs = timeoutMs / 3;
    this.#heardAt = clock.now();
    this.session = session;
    this.closed = new Promise((resolve) => {
      let why = new Error('the connection to ZooKeeper was closed');
      socket.on('error', (error) => {
        why = error;
      });
      socket.once('close', () => {
        this.#pings?.cancel();
        for (const { reject } of this.#pending.values()) reject(why);
        this.#pending.clear();
        resolve(why);
      });
    });
    socket.on('data', (chunk: Buffer) => this.#read(frames, chunk));
    this.#ping();
  }

  /** Makes one request. @throws ZooKeeperError for a refusal, or the error that ended the connection. */
  request(op: number, write: (writer: JuteWriter) => JuteWriter): Promise<JuteReader> {
    this.#xid = (this.#xid % 0x7fff_ffff) + 1;
    const xid = this.#xid;
    const frame = write(new JuteWriter().int(xid).int(op));
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error('the connection to ZooKeeper is closed'));
      else if (this.#pending.size >= MAX_PENDING)
        reject(new Error(`${MAX_PENDING} requests to ZooKeeper wait already`));
      else {
        this.#pending.set(xid, { resolve, reject });
        this.#socket.write(frame.toFrame());
      }
    });
  }

  /** Calls `listener` with the path of each changed node, until the returned function is called. */
  onEvent(listener: (path: string) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Ends the session, so that its nodes go at once. */
  async end(): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.end(new JuteWriter().int(0).int(CLOSE).toFrame());
    const late = this.#clock.setTimer(this.#pingMs, () => this.#socket.destroy());
    await this.closed;
    late.cancel();
  }

  #ping(): void {
    this.#pings = this.#clock.setTimer(this.#pingMs, () => {
      const silentMs = this.#clock.now() - this.#heardAt;
      if (silentMs >= 2 * this.#pingMs) {
        this.#socket.destroy(new Error(`nothing received within ${Math.round(silentMs)} ms`));
        return;
      }
      this.#socket.write(new JuteWriter().int(PING_XID).int(PING).toFrame());
      this.#ping();
    });
  }

  #read(frames: FrameReader, chunk: Buffer): void {
    this.#heardAt = this.#clock.now();
    try {
      for (const frame of frames.read(chunk)) this.#take(frame);
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(frame: JuteReader): void {
    const xid = frame.int();
    frame.long();
    const code = frame.int();
    if (xid === WATCH_XID) {
      frame.int();
      frame.int();
      const path = frame.text();
      for (const watcher of this.#watchers) watcher(path);
      return;
    }
    const pending = this.#pending.get(xid);
    this.#pending.delete(xid);
    if (code === 0) pending?.resolve(frame);
    else pending?.reject(new ZooKeeperError(code));
  }
}

/** The server has no such session any more: its ephemeral nodes are gone. */
export class ExpiredSession extends Error {
  constructor() {
    super('the session has expired');
  }
}

function firstFrame(socket: Socket, frames: FrameReader): Promise<JuteReader> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      try {
        const [frame] = frames.read(chunk);
        if (frame === undefined) return;
        socket.off('data', onData);
        resolve(frame);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    let why = new Error('the connection to ZooKeeper was closed');
    socket.on('data', onData).once('error', (error) => {
      why = error;
    });
    socket.once('close', () => reject(why));
  });
}
