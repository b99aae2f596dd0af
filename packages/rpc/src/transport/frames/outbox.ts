import { FrameSender, type WriteBatch } from './frame-sender.js';
import { CALL_WINDOW_BYTES, CONNECTION_WINDOW_BYTES, KIND, MESSAGE_COST, PIECE_BYTES } from './frames.js';
import { FrameError } from './wire-format.js';

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

/** Sends the frames of one end: small frames at once, messages as far as the peer's credit goes, those of each call in turn. */
export class Outbox {
  readonly sender: FrameSender;
  /** Calls with messages that may be sent, in their turns. */
  readonly #ready: Outgoing[] = [];
  #credit = CONNECTION_WINDOW_BYTES;
  /** The messages that wait for credit, or for their turns. Bytes. */
  waitingBytes = 0;

  /** @param onTaken runs when the connection has taken something. */
  constructor(write: WriteBatch, onTaken: () => void) {
    this.sender = new FrameSender(write, () => {
      this.#send();
      onTaken();
    });
  }

  /** The peer has room for more messages. @throws FrameError if that is more than it can have. */
  addCredit(bytes: number): void {
    this.#credit = increased(this.#credit, bytes);
    this.#send();
  }

  /** Asks the peer for any bytes. */
  ping(): void {
    this.#sendEmpty(KIND.ping);
  }

  /** Answers a ping. Bytes that wait are an answer, too: a peer that reads nothing can't fill the memory by its pings. */
  pong(): void {
    if (this.sender.queuedBytes < MAX_QUEUED_BYTES) this.#sendEmpty(KIND.pong);
  }

  #sendEmpty(kind: typeof KIND.ping | typeof KIND.pong): void {
    this.sender.writer.empty(kind);
    this.sender.send();
  }

  /** Sends a half-close or a cancellation. */
  sendAbout(kind: typeof KIND.halfClose | typeof KIND.cancel, id: number): void {
    this.sender.writer.about(kind, id);
    this.sender.send();
  }

  sendCredit(id: number, bytes: number): void {
    this.sender.writer.credit(id, bytes);
    this.sender.send();
  }

  /** Sends a frame that comes once a connection, as generated code has encoded it. */
  sendRare(kind: typeof KIND.welcome | typeof KIND.goAway, body: Uint8Array): void {
    this.sender.writer.encoded(kind, body);
    this.sender.send();
  }

  /** Has the messages of a call sent, in turn. */
  schedule(outgoing: Outgoing): void {
    this.#ready.push(outgoing);
    this.#send();
  }

  #send(): void {
    while (this.sender.hasRoom && this.#credit > MESSAGE_COST) {
      const outgoing = this.#ready.shift();
      if (outgoing === undefined) return;
      this.#credit -= outgoing.sendNext(this.sender, this.#credit);
      if (outgoing.canSend) this.#ready.push(outgoing);
      else outgoing.scheduled = false;
    }
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
  sendNext({ writer }: FrameSender, creditBytes: number): number {
    const [first] = this.#messages;
    if (first === undefined || !this.canSend) return 0;
    const { data, compressed } = first;
    const from = this.#sentBytes;
    const most = Math.min(PIECE_BYTES, this.#credit - MESSAGE_COST, creditBytes - MESSAGE_COST);
    const piece = from === 0 && data.length <= most ? data : data.subarray(from, from + most);
    const more = from + piece.length < data.length;
    const isFirst = from === 0;
    const totalBytes = isFirst && more ? data.length : 0;
    writer.message({ id: this.#id, data: piece, more, totalBytes, compressed: isFirst && compressed });
    this.#outbox.sender.send();
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
