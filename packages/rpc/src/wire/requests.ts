import type { ServerHttp2Stream } from 'node:http2';
import { serverErrors } from '../errors/server.js';
import type { RpcError } from '../status/rpc-error.js';
import { type Compressed, canDecompress, type DecompressionErrors, decompress } from '../transport/grpc/compression.js';
import { COMPRESSED, type Message, MessageReader, type MessageRules } from './messages.js';

type RequestStep = IteratorResult<Buffer, undefined>;

/** What a stream of requests needs of its call. */
export interface RequestRules extends MessageRules {
  /** Holds so many bytes of a message that isn't complete. Throws if the client holds too many. */
  hold(bytes: number): void;
  /** The bytes of a message, which may be compressed. */
  decompressed(message: Message): Buffer | Promise<Buffer>;
  /** Rejects with why the requests are not all there, although their stream has ended; `whole`: not inside a message. */
  checkEnd(whole: boolean): Promise<void>;
  /** Why the requests break off: their stream has closed. */
  reasonOfClose(): RpcError;
}

/**
 * The requests of a stream, read as fast as the handler takes them. The end of the requests isn't that of the replies, as it would be
 * if one iterated over the stream itself. Node keeps unread chunks; it is asked for text, which is a copy: a chunk of one byte can
 * hold the whole buffer that was read from the connection.
 */
export class RequestStream implements AsyncIterable<Buffer>, AsyncIterator<Buffer, undefined> {
  readonly #stream: ServerHttp2Stream;
  readonly #rules: RequestRules;
  readonly #reader: MessageReader;
  #ended: 'no' | 'by client' | 'closed' = 'no';
  #left = false;
  /** The last read, and what settles it while it waits for a message. */
  #read: Promise<unknown> = Promise.resolve();
  #settle: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream, rules: RequestRules) {
    this.#stream = stream.setEncoding('latin1');
    this.#rules = rules;
    this.#reader = new MessageReader(rules);
    stream.on('readable', this.#look);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<RequestStep> {
    if (this.#settle !== undefined) return this.#read.then(this.#nextInTurn, this.#nextInTurn);
    const read = new Promise<RequestStep>((resolve, reject) => {
      this.#settle = () => {
        try {
          const message = this.#nextMessage();
          if (message === undefined && this.#ended === 'no') return;
          this.#settle = undefined;
          resolve(message === undefined ? this.#atEnd() : this.#step(message));
        } catch (fault) {
          this.#settle = undefined;
          reject(fault);
        }
      };
      this.#settle();
    });
    this.#read = read;
    return read;
  }

  async return(): Promise<RequestStep> {
    return DONE;
  }

  /** The stream has ended, by its client or because it has closed. */
  end(how: 'by client' | 'closed'): void {
    if (this.#ended === 'no') this.#ended = how;
    if (how === 'closed') this.#stream.off('readable', this.#look);
    this.#settle?.();
  }

  /** Reads and forgets the rest: the call has ended. */
  leave(): void {
    this.#left = true;
    this.#stream.off('readable', this.#look).resume();
  }

  readonly #nextInTurn = (): Promise<RequestStep> => this.next();
  readonly #look = (): void => this.#settle?.();

  #nextMessage(): Message | undefined {
    for (;;) {
      const message = this.#reader.next();
      if (message !== undefined) return message;
      this.#rules.hold(this.#reader.heldBytes);
      const text: string | null = this.#left ? null : this.#stream.read();
      if (text === null) return undefined;
      this.#reader.push(Buffer.from(text, 'latin1'));
    }
  }

  #step(message: Message): RequestStep | Promise<RequestStep> {
    const bytes = this.#rules.decompressed(message);
    return Buffer.isBuffer(bytes) ? { done: false, value: bytes } : bytes.then((value) => ({ done: false, value }));
  }

  async #atEnd(): Promise<RequestStep> {
    if (this.#ended === 'closed') throw this.#rules.reasonOfClose();
    await this.#rules.checkEnd(this.#reader.whole);
    return DONE;
  }
}

const DONE: RequestStep = { done: true, value: undefined };

/** The only request of a call, read chunk by chunk. */
export class OnlyRequest {
  readonly stream = false;
  readonly #rules: RequestRules;
  readonly #reader: MessageReader;
  #read: Message | undefined;
  #bytes: Buffer | undefined;

  constructor(rules: RequestRules) {
    this.#rules = rules;
    this.#reader = new MessageReader(rules, true);
  }

  /** The request, once it has come, and is decompressed. */
  get message(): Buffer {
    return this.#bytes ?? NO_BYTES;
  }

  /** Frees the request. */
  drop(): void {
    this.#read = undefined;
    this.#bytes = undefined;
  }

  /** Reads the next part. @throws RpcError if there is a second message, or its prefix isn't valid. */
  read(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#read !== undefined) throw serverErrors.SECOND_REQUEST();
    this.#reader.push(chunk);
    this.#read = this.#reader.next();
    if (this.#read !== undefined && !this.#reader.whole) throw serverErrors.SECOND_REQUEST();
    this.#rules.hold(this.#reader.heldBytes + (this.#read?.data.length ?? 0));
  }

  /**
   * The request has ended: makes its message ready for the handler. A promise if the message has to be decompressed.
   *
   * @throws RpcError if there is no whole message.
   */
  open(): Promise<void> | undefined {
    if (this.#read === undefined) throw this.#reader.whole ? serverErrors.NO_REQUEST() : serverErrors.REQUEST_CUT_OFF();
    const bytes = this.#rules.decompressed(this.#read);
    this.#read = undefined;
    if (Buffer.isBuffer(bytes)) this.#bytes = bytes;
    else
      return bytes.then((whole) => {
        this.#bytes = whole;
      });
    return undefined;
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Checks the prefix of a request. @throws RpcError if its message isn't taken. */
export function checkPrefix(flags: number, length: number, { encoding, maxBytes }: Compressed): void {
  if (length > maxBytes) throw serverErrors.REQUEST_TOO_LONG({ bytes: length, maxBytes });
  if (flags === 0) return;
  if (flags !== COMPRESSED) throw serverErrors.UNKNOWN_FLAG({ flag: flags });
  if (!canDecompress(encoding)) throw serverErrors.NO_ENCODING();
}

/** Decompresses a request. */
export function inflate(data: Buffer, compressed: Compressed): Promise<Buffer> {
  return decompress(data, compressed, ERRORS);
}

const ERRORS: DecompressionErrors = {
  unreadable: (encoding) => serverErrors.UNREADABLE_REQUEST({ encoding: String(encoding) }),
  tooLong: (maxBytes) => serverErrors.INFLATED_REQUEST_TOO_LONG({ maxBytes }),
};
