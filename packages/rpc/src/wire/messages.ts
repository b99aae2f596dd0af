import { Gathered } from '../transport/grpc/gathered.js';
import { PREFIX_BYTES } from '../transport/grpc/length-prefix.js';

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

  #readLength(): number | undefined {
    const prefix = this.#readPrefix();
    if (prefix === undefined) return undefined;
    const [source, at] = prefix;
    this.#flags = source[at] ?? 0;
    const length = source.readUInt32BE(at + 1);
    this.#rules.checkPrefix(this.#flags, length);
    return length;
  }

  /** Where the whole prefix is. */
  #readPrefix(): readonly [Buffer, number] | undefined {
    const at = this.#at;
    if (this.#prefixBytes === 0 && this.#chunk.length - at >= PREFIX_BYTES) {
      this.#prefixBytes = PREFIX_BYTES;
      this.#at += PREFIX_BYTES;
      return [this.#chunk, at];
    }
    this.#prefix ??= Buffer.allocUnsafe(PREFIX_BYTES);
    const copied = this.#chunk.copy(this.#prefix, this.#prefixBytes, at, at + PREFIX_BYTES - this.#prefixBytes);
    this.#at += copied;
    this.#prefixBytes += copied;
    return this.#prefixBytes < PREFIX_BYTES ? undefined : [this.#prefix, 0];
  }

  #readData(length: number): Buffer | undefined {
    const before = this.#part?.length ?? 0;
    const part = this.#chunk.subarray(this.#at, this.#at + length - before);
    this.#at += part.length;
    if (this.#at === this.#chunk.length) this.#leaveChunk();
    if (before === 0 && part.length === length) return this.#shared ? Buffer.from(part) : part;
    this.#part ??= new Gathered();
    this.#part.add(part);
    return this.#part.length < length ? undefined : this.#part.take();
  }

  #leaveChunk(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
  }
}
