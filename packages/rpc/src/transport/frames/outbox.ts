import { FrameWriter } from './frame-writer.js';
import {
  CALL_WINDOW_BYTES,
  CONNECTION_WINDOW_BYTES,
  FrameError,
  type FrameSocket,
  KIND,
  MESSAGE_COST,
  PIECE_BYTES,
} from './frames.js';

/** A batch of this length is sent at once. Both ends then work at the same time. Bytes. */
const BATCH_BYTES = 16 * 1_024;
/** What may be under way before further batches wait. Bytes. */
const MAX_WRITTEN_BYTES = 8 * BATCH_BYTES;
/** How many messages and bytes of a call may be ahead of the connection. A longer message is allowed if it is the only one. */
const MAX_AHEAD = 256;
const MAX_AHEAD_BYTES = 32 * 1_024;
/** The bytes that wait for the connection above which this end begins nothing new, or reads nothing. */
export const MAX_QUEUED_BYTES = 1_024 * 1_024;
/** The most credit that a peer can give: more is a fault. Bytes. */
const MAX_CREDIT = 2 ** 31 - 1;

/** A message to be sent. */
interface OutgoingMessage {
  readonly data: Uint8Array;
  readonly compressed: boolean;
}

/** Frames that leave together. */
interface Batch {
  readonly bytes: Buffer;
  readonly lastFrame: number;
}

/**
 * Sends the frames of one end of a connection: small frames at once, messages as far as the peer's credit goes, those of each call in turn.
 *
 * Frames of one turn of the event loop are sent together. Frames that come while a batch is being written are sent with the next batch. A
 * batch is at most {@link BATCH_BYTES} and one frame long.
 */
export class Outbox {
  readonly writer = new FrameWriter();
  readonly #socket: Pick<FrameSocket, 'write'>;
  readonly #onTaken: () => void;
  readonly #batches: Batch[] = [];
  #batchedBytes = 0;
  /** The bytes under way. */
  #writtenBytes = 0;
  #frames = 0;
  #handedOver = 0;
  #scheduled = false;
  #closed = false;
  #end: (() => void) | undefined;
  /** Calls with messages that may be sent, in their turns. */
  readonly #ready: Outgoing[] = [];
  #credit = CONNECTION_WINDOW_BYTES;
  /** The messages that wait for credit, or for their turns. Bytes. */
  waitingBytes = 0;

  /** @param onTaken runs when the connection has taken something: there may be room for more frames. */
  constructor(socket: Pick<FrameSocket, 'write'>, onTaken: () => void) {
    this.#socket = socket;
    this.#onTaken = onTaken;
  }

  /** The bytes of frames that the connection hasn't taken yet. */
  get queuedBytes(): number {
    return this.#writtenBytes + this.#batchedBytes + this.writer.length;
  }

  /** Sends the frame that was last written to {@link Outbox.writer}. Returns its number, which wraps at 2^32. */
  send(): number {
    this.#frames = (this.#frames + 1) >>> 0;
    if (this.writer.length >= BATCH_BYTES) {
      this.#endBatch();
      this.#writeBatches();
    } else if (!this.#scheduled && this.#writtenBytes === 0) {
      this.#scheduled = true;
      process.nextTick(this.#sendBatch);
    }
    return this.#frames;
  }

  /** Whether the connection was given the frame with this number. */
  wasHandedOver(frame: number): boolean {
    return ((frame - this.#handedOver) | 0) <= 0;
  }

  /** Runs `end` once the connection has taken everything. */
  finish(end: () => void): void {
    this.#end = end;
    this.#endIfFinished();
  }

  /** Drops what wasn't written: the connection has ended. */
  close(): void {
    this.#closed = true;
    this.#batches.length = 0;
  }

  /** The peer has room for more messages. @throws FrameError if that is more than it can have. */
  addCredit(bytes: number): void {
    this.#credit = increased(this.#credit, bytes);
    this.#sendMessages();
  }

  /** Asks the peer for any bytes. */
  ping(): void {
    this.#sendEmpty(KIND.ping);
  }

  /** Answers a ping. Bytes that wait are an answer, too: a peer that reads nothing can't fill the memory by its pings. */
  pong(): void {
    if (this.queuedBytes < MAX_QUEUED_BYTES) this.#sendEmpty(KIND.pong);
  }

  #sendEmpty(kind: typeof KIND.ping | typeof KIND.pong): void {
    this.writer.empty(kind);
    this.send();
  }

  /** Sends a half-close or a cancellation. */
  sendAbout(kind: typeof KIND.halfClose | typeof KIND.cancel, id: number): void {
    this.writer.about(kind, id);
    this.send();
  }

  sendCredit(id: number, bytes: number): void {
    this.writer.credit(id, bytes);
    this.send();
  }

  /** Sends a frame that comes once a connection, as generated code has encoded it. */
  sendRare(kind: typeof KIND.hello | typeof KIND.welcome | typeof KIND.goAway, body: Uint8Array): void {
    this.writer.encoded(kind, body);
    this.send();
  }

  /** Has the messages of a call sent, in turn. */
  schedule(outgoing: Outgoing): void {
    this.#ready.push(outgoing);
    this.#sendMessages();
  }

  #sendMessages(): void {
    while (!this.#closed && this.queuedBytes < MAX_WRITTEN_BYTES && this.#credit > MESSAGE_COST) {
      const outgoing = this.#ready.shift();
      if (outgoing === undefined) return;
      this.#credit -= outgoing.sendNext(this.#credit);
      if (outgoing.canSend) this.#ready.push(outgoing);
      else outgoing.scheduled = false;
    }
  }

  readonly #sendBatch = (): void => {
    this.#scheduled = false;
    if (this.#writtenBytes === 0) this.#endBatch();
    this.#writeBatches();
  };

  #endBatch(): void {
    if (this.writer.length === 0) return;
    this.#batchedBytes += this.writer.length;
    this.#batches.push({ bytes: this.writer.take(), lastFrame: this.#frames });
  }

  #writeBatches(): void {
    while (!this.#closed && this.#writtenBytes < MAX_WRITTEN_BYTES) {
      const batch = this.#batches.shift();
      if (batch === undefined) return;
      const { length } = batch.bytes;
      this.#batchedBytes -= length;
      this.#writtenBytes += length;
      this.#handedOver = batch.lastFrame;
      this.#socket.write(batch.bytes, () => this.#taken(length));
    }
  }

  #taken(bytes: number): void {
    this.#writtenBytes -= bytes;
    if (this.#closed) return;
    if (this.#ready.length > 0) this.#sendMessages();
    this.#onTaken();
    if (this.#writtenBytes === 0 && this.#batches.length === 0) this.#endBatch();
    this.#writeBatches();
    this.#endIfFinished();
  }

  #endIfFinished(): void {
    if (this.#end === undefined || this.#closed || this.queuedBytes > 0) return;
    this.#closed = true;
    this.#end();
  }
}

/** The messages of one call that this end sends. */
export class Outgoing {
  readonly #id: number;
  readonly #outbox: Outbox;
  readonly #messages: OutgoingMessage[] = [];
  /** What was sent of the first. */
  #sentBytes = 0;
  #aheadBytes = 0;
  #credit = CALL_WINDOW_BYTES;
  #closed = false;
  #onRoom: (() => void) | undefined;
  #end: (() => void) | undefined;
  /** Whether it is in the outbox's turns. */
  scheduled = false;

  constructor(id: number, outbox: Outbox) {
    this.#id = id;
    this.#outbox = outbox;
  }

  /** Sends a message. Resolves when there is room for another one; undefined if there is room now. */
  send(message: Uint8Array, compressed = false): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#messages.push({ data: message, compressed });
    this.#count(message.length);
    this.#schedule();
    if (this.#hasRoom) return undefined;
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  /** Runs `end` once all messages were sent. */
  finish(end: () => void): void {
    if (this.#closed) return;
    this.#end = end;
    this.#endIfDone();
  }

  /** Drops the messages that weren't sent, and ends every wait. */
  drop(): void {
    this.#closed = true;
    this.#end = undefined;
    this.#messages.length = 0;
    this.#count(-this.#aheadBytes);
    this.#onRoom?.();
  }

  /** The peer has room for more messages of this call. @throws FrameError if that is more than it can have. */
  addCredit(bytes: number): void {
    this.#credit = increased(this.#credit, bytes);
    this.#schedule();
  }

  get canSend(): boolean {
    const [first] = this.#messages;
    return first !== undefined && this.#credit >= MESSAGE_COST + Math.min(first.data.length - this.#sentBytes, 1);
  }

  /** Sends the next message, or a piece of it, within the connection's credit. Returns what it took of the credit. */
  sendNext(creditBytes: number): number {
    const [first] = this.#messages;
    if (first === undefined || !this.canSend) return 0;
    const { data, compressed } = first;
    const from = this.#sentBytes;
    const most = Math.min(PIECE_BYTES, this.#credit - MESSAGE_COST, creditBytes - MESSAGE_COST);
    const piece = from === 0 && data.length <= most ? data : data.subarray(from, from + most);
    const more = from + piece.length < data.length;
    const isFirst = from === 0;
    const totalBytes = isFirst && more ? data.length : 0;
    this.#outbox.writer.message({ id: this.#id, data: piece, more, totalBytes, compressed: isFirst && compressed });
    this.#outbox.send();
    this.#sentBytes += piece.length;
    this.#credit -= piece.length + MESSAGE_COST;
    if (!more) this.#leaveFirst(data.length);
    return piece.length + MESSAGE_COST;
  }

  #leaveFirst(bytes: number): void {
    this.#messages.shift();
    this.#sentBytes = 0;
    this.#count(-bytes);
    if (this.#hasRoom) this.#onRoom?.();
    this.#endIfDone();
  }

  #count(moreBytes: number): void {
    this.#aheadBytes += moreBytes;
    this.#outbox.waitingBytes += moreBytes;
  }

  #schedule(): void {
    if (this.scheduled || !this.canSend) return;
    this.scheduled = true;
    this.#outbox.schedule(this);
  }

  #endIfDone(): void {
    if (this.#end === undefined || this.#messages.length > 0) return;
    this.#closed = true;
    this.#end();
  }

  get #hasRoom(): boolean {
    return this.#messages.length < MAX_AHEAD && this.#aheadBytes < MAX_AHEAD_BYTES;
  }
}

function increased(credit: number, bytes: number): number {
  if (credit + bytes > MAX_CREDIT) throw new FrameError(`the credit is more than ${MAX_CREDIT} bytes`);
  return credit + bytes;
}
