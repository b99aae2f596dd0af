import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Share, Shares } from '@rondo/base';
import { serverErrors } from '../errors/server.js';
import type { RpcError } from '../status/rpc-error.js';
import { type Compressed, canDecompress, type DecompressionErrors, decompress } from '../transport/grpc/compression.js';
import { Gathered } from '../transport/grpc/gathered.js';
import { PREFIX_BYTES } from '../transport/grpc/length-prefix.js';
import { MAX_OPEN_CALLS, OPEN_CALL } from './limits.js';
import type { Peer } from './mutual-tls.js';
import { networkOf, remoteOf } from './open-connections.js';
import type { PingBarrier } from './ping-barrier.js';

/** A connection whose calls are served. */
export interface Opened {
  readonly socket: Socket;
  readonly session: ServerHttp2Session;
  /** The client, if its certificate was verified. */
  readonly client: Peer | undefined;
}

export interface ConnectionOptions extends Pick<Opened, 'socket' | 'client'> {
  /** Closes it, because its client holds too much. */
  readonly close: () => void;
  /** Of a connection of HTTP/2. */
  readonly barrier?: PingBarrier;
  /** What the unfinished requests of all clients may hold. */
  readonly unfinished: Shares;
  /** What the open calls of all clients keep. */
  readonly open: Shares;
  readonly stepBytes: number;
}

/** Unfinished requests count in steps, which those of most connections never take: so many are what one client may hold. */
export const STEPS = 4096;

/** Open calls count in steps, too: of eight short ones. */
const OPEN_STEP_BYTES = 8 * OPEN_CALL.leastBytes;

/** What the calls of one connection share. */
export class Connection {
  /** The client's address and port, as text. */
  readonly address: string;
  /** The network of its client, by which clients have turns and shares. */
  readonly network: string;
  readonly client: Peer | undefined;
  /** What its requests hold that haven't come whole. */
  #unfinishedBytes = 0;
  readonly #share: Share;
  readonly #stepBytes: number;
  readonly #barrier: PingBarrier | undefined;
  #openBytes = 0;
  readonly #openShare: Share;

  constructor({ socket, client, close, barrier, unfinished, stepBytes, open }: ConnectionOptions) {
    const { remoteAddress, remotePort } = socket;
    this.address = remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort}`;
    this.network = networkOf(remoteOf(socket));
    this.client = client;
    this.#stepBytes = stepBytes;
    this.#share = unfinished.of(this.network, close);
    this.#barrier = barrier;
    this.#openShare = open.of(client?.identity ?? this.network);
  }

  /** Holds more bytes of unfinished requests, or fewer. False if its client's connections hold more than their share. */
  hold(moreBytes: number): boolean {
    this.#unfinishedBytes += moreBytes;
    const counted = this.#unfinishedBytes - (this.#unfinishedBytes % this.#stepBytes);
    return counted === this.#share.amount || this.#share.hold(counted);
  }

  /** Its open calls keep more bytes, or fewer: see {@link costOf}. False if its client's connections keep more than their share. */
  keep(moreBytes: number): boolean {
    this.#openBytes += moreBytes;
    const counted = this.#openBytes - (this.#openBytes % OPEN_STEP_BYTES);
    return counted === this.#openShare.amount || this.#openShare.hold(counted);
  }

  /**
   * Resolves when the client has read everything sent so far, and everything that it sent before has been read here. A client that
   * doesn't answer pings isn't waited for longer than a second.
   */
  async caughtUp(): Promise<void> {
    await this.#barrier?.caughtUp();
  }
}

/** What an open call counts whose metadata and request have so many bytes together. */
export const costOf = (partsBytes: number): number =>
  OPEN_CALL.leastBytes + Math.max(0, partsBytes - OPEN_CALL.partsBytes);

/** The error of a call that {@link Connection.keep} doesn't take. */
export const tooManyOpen = (): RpcError =>
  serverErrors.TOO_MANY_OPEN({ most: MAX_OPEN_CALLS / 2 }, { handled: 'never' });

/** The flag of a compressed message. */
export const COMPRESSED = 1;

/**
 * A message in the framing that gRPC, gRPC-Web and Connect's streams share: a byte of flags, a length of four bytes, the
 * message.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, https://connectrpc.com/docs/protocol
 */
export interface Message {
  readonly flags: number;
  readonly data: Buffer;
}

/** What a message may be. */
export interface MessageRules {
  /** Throws if a message with such a prefix isn't taken. Its bytes haven't come yet. */
  checkPrefix(flags: number, length: number): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into messages. A message is gathered until it is complete: a declared length alone allocates nothing, and
 * tiny chunks cost no more than large ones.
 */
export class MessageReader {
  readonly #rules: MessageRules;
  readonly #shared: boolean;
  /** A prefix that came in several chunks. */
  #prefix: Buffer | undefined;
  #prefixBytes = 0;
  #flags = 0;
  /** The length of the current message; undefined until its prefix is complete. */
  #length: number | undefined;
  /** The part of the current message that earlier chunks brought. */
  #part: Gathered | undefined;
  #chunk = NOTHING;
  #at = 0;

  /**
   * @param shared whether the memory of chunks has more than the chunk, as what Node reads from a connection has. A message that lies
   *   in one chunk is then a copy, and otherwise a part of the chunk.
   */
  constructor(rules: MessageRules, shared = false) {
    this.#rules = rules;
    this.#shared = shared;
  }

  /** Whether the bytes so far end with a whole message. */
  get whole(): boolean {
    return this.#prefixBytes === 0 && this.#at === this.#chunk.length;
  }

  /** The bytes that are kept of a message that isn't complete. */
  get heldBytes(): number {
    return this.#prefixBytes + (this.#part?.heldBytes ?? 0);
  }

  /** Takes the next bytes. All messages of the earlier ones must have been read by {@link MessageReader.next}. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next complete message; undefined until more bytes come. Throws what the rules do. */
  next(): Message | undefined {
    this.#length ??= this.#readLength();
    if (this.#length === undefined) return undefined;
    const data = this.#readData(this.#length);
    if (data === undefined) return undefined;
    this.#length = undefined;
    this.#prefixBytes = 0;
    return { flags: this.#flags, data };
  }

  /** The length of the next message; undefined until its whole prefix has come. */
  #readLength(): number | undefined {
    let source = this.#chunk;
    let at = this.#at;
    if (this.#prefixBytes === 0 && source.length - at >= PREFIX_BYTES) {
      this.#prefixBytes = PREFIX_BYTES;
      this.#at += PREFIX_BYTES;
    } else {
      this.#prefix ??= Buffer.allocUnsafe(PREFIX_BYTES);
      const copied = source.copy(this.#prefix, this.#prefixBytes, at, at + PREFIX_BYTES - this.#prefixBytes);
      this.#at += copied;
      this.#prefixBytes += copied;
      if (this.#prefixBytes < PREFIX_BYTES) return undefined;
      source = this.#prefix;
      at = 0;
    }
    this.#flags = source[at] ?? 0;
    const length = source.readUInt32BE(at + 1);
    this.#rules.checkPrefix(this.#flags, length);
    return length;
  }

  #readData(length: number): Buffer | undefined {
    const before = this.#part?.length ?? 0;
    const part = this.#chunk.subarray(this.#at, this.#at + length - before);
    this.#at += part.length;
    if (this.#at === this.#chunk.length) {
      this.#chunk = NOTHING;
      this.#at = 0;
    }
    if (before === 0 && part.length === length) return this.#shared ? Buffer.from(part) : part;
    this.#part ??= new Gathered();
    this.#part.add(part);
    return this.#part.length < length ? undefined : this.#part.take();
  }
}

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
  /** The request, once it has come, and is decompressed. */
  message = NOTHING;
  #read: Message | undefined;

  constructor(rules: RequestRules) {
    this.#rules = rules;
    this.#reader = new MessageReader(rules, true);
  }

  drop(): void {
    this.#read = undefined;
    this.message = NOTHING;
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
    if (Buffer.isBuffer(bytes)) this.message = bytes;
    else
      return bytes.then((whole) => {
        this.message = whole;
      });
    return undefined;
  }
}

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
