import type { RpcError } from '../../status/rpc-error.js';
import { Gathered } from '../grpc/gathered.js';
import { toKeep } from './frame-reader.js';
import { CALL_WINDOW_BYTES, FrameError, MESSAGE_COST, type MessageFrame } from './frames.js';
import { type Advance, type Advances, Window } from './window.js';

type Step = IteratorResult<Uint8Array, undefined>;

/** What the messages of a call need of it. */
export interface MessageRules {
  /** The longest message. Bytes. */
  readonly maxBytes: number;
  readonly tooLong: (bytes: number) => RpcError;
  readonly inflate: (message: Uint8Array) => Promise<Uint8Array>;
  readonly advances: Advances;
  /** Gives the peer more credit for the call. */
  readonly credit: (bytes: number) => void;
  /** So many bytes of the connection's window were read. */
  readonly give: (bytes: number) => void;
  /** Runs if the reader leaves before the end. */
  readonly leave: () => void;
}

interface Whole {
  readonly bytes: Uint8Array;
  readonly compressed: boolean;
  /** What is paid back when the reader takes it. */
  readonly cost: number;
}

/** A message of which some pieces are missing. */
interface Part extends Advance {
  readonly gathered: Gathered;
  /** The whole message, once there is room for it: its pieces are then copied once. */
  whole: Buffer | undefined;
  receivedBytes: number;
  readonly compressed: boolean;
  /** What is paid back later. */
  cost: number;
}

interface Waiter {
  readonly resolve: (step: Step | Promise<Step>) => void;
  readonly reject: (error: unknown) => void;
}

/** The messages of a call that one end receives. The peer gets its credit back when the reader takes a message. */
export class ReceivedMessages implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #rules: MessageRules;
  readonly #window: Window;
  readonly #messages: Whole[] = [];
  readonly #waiters: Waiter[] = [];
  #part: Part | undefined;
  /** What has come, and wasn't given back. Bytes. */
  #held = 0;
  #ended = false;
  #error: unknown;

  constructor(rules: MessageRules) {
    this.#rules = rules;
    this.#window = new Window(CALL_WINDOW_BYTES, (bytes) => {
      if (!this.#ended) rules.credit(bytes);
    });
  }

  /**
   * Takes a message, or a piece of one.
   *
   * @throws FrameError if it breaks the rules of frames; RpcError if the message is too long.
   */
  take(frame: MessageFrame): void {
    const { data, more } = frame;
    const cost = data.length + MESSAGE_COST;
    this.#window.take(cost);
    this.#held += cost;
    if (this.#ended) this.#give(cost);
    else if (this.#part !== undefined || more) this.#takePiece(frame, cost);
    else this.add(toKeep(data), frame.compressed, cost);
  }

  /** Adds a whole message. @throws RpcError if it is too long. */
  add(bytes: Uint8Array, compressed = false, cost = 0): void {
    const { maxBytes, tooLong } = this.#rules;
    if (bytes.length > maxBytes) throw tooLong(bytes.length);
    const whole = { bytes, compressed, cost };
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#messages.push(whole);
    else waiter.resolve(this.#step(whole));
  }

  /** Whether a message is incomplete. */
  get isCut(): boolean {
    return this.#part !== undefined;
  }

  /** The memory of a message that is incomplete. Bytes. */
  get heldBytes(): number {
    return this.#part?.whole?.length ?? this.#part?.gathered.heldBytes ?? 0;
  }

  /** How many messages wait for their reader. */
  get waiting(): number {
    return this.#messages.length;
  }

  /** No more messages come. The reader gets those that have come, then `error`. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#dropPart();
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter);
  }

  /** The call is over. Messages that haven't been read take no more of the connection's window: their reader may have left. */
  release(): void {
    this.#give(this.#held);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const whole = this.#messages.shift();
    if (whole !== undefined) {
      const step = this.#step(whole);
      this.#advance();
      return Promise.resolve(step);
    }
    return new Promise((resolve, reject) => {
      if (this.#ended) this.#settle({ resolve, reject });
      else this.#waiters.push({ resolve, reject });
    });
  }

  async return(): Promise<Step> {
    if (!this.#ended) this.#rules.leave();
    this.end();
    this.#messages.length = 0;
    this.release();
    return { done: true, value: undefined };
  }

  #takePiece({ data, more, totalBytes, compressed }: MessageFrame, cost: number): void {
    this.#part ??= this.#begin(totalBytes, compressed);
    const part = this.#part;
    if (data.length === 0) throw new FrameError('a piece of a message is empty');
    const length = part.receivedBytes + data.length;
    if (length > part.bytes) {
      throw new FrameError(`a message is longer than the ${part.bytes} bytes that its first piece said`);
    }
    if (part.whole === undefined) {
      part.gathered.add(data);
      part.cost += cost;
    } else {
      part.whole.set(data, part.receivedBytes);
      this.#give(cost);
    }
    part.receivedBytes = length;
    if (more) {
      this.#advance();
      return;
    }
    if (length < part.bytes) {
      throw new FrameError(`a message ends after ${length} of the ${part.bytes} bytes that its first piece said`);
    }
    this.#dropPart();
    this.add(part.whole ?? part.gathered.take(), part.compressed, part.cost);
  }

  #begin(bytes: number, compressed: boolean): Part {
    const { maxBytes, tooLong } = this.#rules;
    if (bytes > maxBytes) throw tooLong(bytes);
    const grant = () => {
      part.whole = Buffer.allocUnsafeSlow(bytes);
      part.whole.set(part.gathered.take());
      this.#give(part.cost);
      part.cost = 0;
    };
    const part: Part = {
      bytes,
      compressed,
      gathered: new Gathered(),
      whole: undefined,
      receivedBytes: 0,
      cost: 0,
      grant,
    };
    return part;
  }

  /** Asks for room beyond the window, if the reader waits for a message that is longer. */
  #advance(): void {
    const part = this.#part;
    if (part === undefined || part.whole !== undefined || this.#messages.length > 0) return;
    if (part.bytes > CALL_WINDOW_BYTES / 4) this.#rules.advances.ask(part);
  }

  #dropPart(): void {
    if (this.#part === undefined) return;
    this.#rules.advances.release(this.#part);
    this.#part = undefined;
  }

  #step({ bytes, compressed, cost }: Whole): Step | Promise<Step> {
    this.#give(cost);
    if (!compressed) return { done: false, value: bytes };
    return this.#rules.inflate(bytes).then((value) => ({ done: false, value }));
  }

  /** Gives back what something has cost, unless everything was released. */
  #give(cost: number): void {
    const bytes = Math.min(cost, this.#held);
    this.#held -= bytes;
    this.#window.give(bytes);
    this.#rules.give(bytes);
  }

  #settle({ resolve, reject }: Waiter): void {
    if (this.#error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#error);
  }
}
