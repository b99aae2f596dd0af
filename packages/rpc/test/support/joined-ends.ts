import { createSemaphore, FairQueue, systemClock, yieldToEventLoop } from '@rondo/base';
import { silentLogger } from '../../src/exports/call.js';
import type { Router } from '../../src/exports/server.js';
import { FrameClient } from '../../src/transport/frames/frame-client.js';
import type { FrameSocket } from '../../src/transport/frames/frames.js';
import { ActiveCalls, InFlight } from '../../src/transport/grpc/active-calls.js';
import { FrameServer } from '../../src/wire/frame-server.js';
import type { CallInFlight } from '../../src/wire/grpc-call.js';

/** What decides how bytes travel. */
export interface Travel {
  /** How many bytes arrive at most at a time. */
  readonly chunkBytes: () => number;
  /** Changes the bytes on their way. */
  readonly change?: (bytes: Buffer) => Buffer;
}

/** How many chunks arrive in a turn of the event loop. */
const CHUNKS_A_TURN = 20;

/** One direction: what was written, until it arrives. */
class Pipe {
  readonly #travel: Travel;
  readonly #writes: { bytes: Buffer; readonly taken: () => void }[] = [];
  paused = false;

  constructor(travel: Travel) {
    this.#travel = travel;
  }

  write(bytes: Buffer, taken: () => void): void {
    this.#writes.push({ bytes: this.#travel.change?.(bytes) ?? bytes, taken });
  }

  /** What arrives next. */
  next(): Buffer | undefined {
    const [first] = this.#writes;
    if (first === undefined || this.paused) return undefined;
    const most = this.#travel.chunkBytes();
    const chunk = first.bytes.subarray(0, most);
    first.bytes = first.bytes.subarray(most);
    if (first.bytes.length === 0) {
      this.#writes.shift();
      first.taken();
    }
    return chunk;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }
}

/** A client's and a server's end of frames, joined without sockets. */
export class JoinedEnds {
  readonly client: FrameClient;
  readonly server: FrameServer;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;
  readonly #inFlight = new InFlight<CallInFlight>();
  ready = false;
  #closing = false;
  #closed = false;

  constructor({ methods, handle }: Router, toServer: Travel, toClient: Travel) {
    this.#toServer = new Pipe(toServer);
    this.#toClient = new Pipe(toClient);
    this.client = new FrameClient({
      socket: this.#socketOf(this.#toServer, this.#toClient),
      clock: systemClock,
      maxReplyBytes: 4 * 1_024 * 1_024,
      compression: undefined,
      active: new ActiveCalls(),
      onReady: () => {
        this.ready = true;
      },
      onClose: () => undefined,
    });
    const connection = {
      address: 'a:1',
      network: 'a',
      client: undefined,
      hold: () => true,
      keep: () => true,
    };
    this.server = new FrameServer(this.#socketOf(this.#toClient, this.#toServer), connection, {
      handle,
      methods: new Map(methods.map((method) => [method.path, method])),
      clock: systemClock,
      logger: silentLogger,
      maxRequestBytes: 4 * 1_024 * 1_024,
      decompressions: createSemaphore(2),
      ends: new FairQueue(16),
      inFlight: this.#inFlight,
    });
  }

  /** How many calls the server has begun and not ended. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Lets bytes travel until `done`. Returns false if they have stopped to travel before. */
  async run(done: () => boolean): Promise<boolean> {
    for (let quiet = 0; quiet < 50 && !done(); quiet += 1) {
      await yieldToEventLoop();
      for (let left = CHUNKS_A_TURN; left > 0 && this.#turn(); left -= 1) quiet = 0;
    }
    return done();
  }

  /** Whether anything has happened. */
  #turn(): boolean {
    if (this.#closed) return false;
    const request = this.#toServer.next();
    if (request !== undefined) this.server.receive(request);
    const reply = this.#toClient.next();
    if (reply !== undefined) this.client.receive(reply);
    if (this.#closing && this.#toClient.isEmpty) this.close();
    return request !== undefined || reply !== undefined;
  }

  /** Breaks the connection. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.client.closed('the test closed it');
    this.server.closed();
  }

  #socketOf(out: Pipe, into: Pipe): FrameSocket {
    return {
      write: (bytes, taken) => out.write(bytes, taken),
      pause: () => {
        into.paused = true;
      },
      resume: () => {
        into.paused = false;
      },
      end: () => {
        this.#closing = true;
      },
      destroy: () => {
        void yieldToEventLoop().then(() => this.close());
      },
    };
  }
}
