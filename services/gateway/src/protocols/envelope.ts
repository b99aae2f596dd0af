import { Gathered } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';

/**
 * A message in the framing that gRPC, gRPC-Web and Connect's streams share: a byte of flags, a length of four bytes, the
 * message.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, https://connectrpc.com/docs/protocol
 */
export interface Envelope {
  readonly flags: number;
  readonly data: Buffer;
}

/** The bytes of an envelope's prefix. */
export const PREFIX_BYTES = 5;

/** The flag of a compressed message. */
export const COMPRESSED = 0b1;

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into envelopes. A message that lies in one chunk is a part of that chunk, not a copy. Otherwise
 * it is gathered: a declared length alone allocates nothing, and tiny chunks cost no more than large ones.
 */
export class EnvelopeReader {
  readonly #maxBytes: number;
  readonly #prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  #prefixBytes = 0;
  /** The length of the current message; undefined until its prefix is complete. */
  #length: number | undefined;
  /** The part of the current message that earlier chunks brought. */
  readonly #part = new Gathered();
  #chunk = NOTHING;
  #at = 0;

  /** `maxBytes` is the longest message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the bytes so far end with a whole message. */
  get whole(): boolean {
    return this.#prefixBytes === 0 && this.#at === this.#chunk.length;
  }

  /** The bytes that are kept of a message that isn't complete. */
  get keptBytes(): number {
    return this.#part.heldBytes;
  }

  /** Takes the next bytes. All envelopes of the earlier ones must have been read by {@link EnvelopeReader.next}. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next complete envelope; undefined until more bytes come.
   *
   * @throws RpcError `RESOURCE_EXHAUSTED` as soon as a message declares more than `maxBytes`.
   */
  next(): Envelope | undefined {
    this.#length ??= this.#readLength();
    if (this.#length === undefined) return undefined;
    const data = this.#readData(this.#length);
    if (data === undefined) return undefined;
    this.#length = undefined;
    this.#prefixBytes = 0;
    return { flags: this.#prefix[0] ?? 0, data };
  }

  #readLength(): number | undefined {
    const copied = this.#chunk.copy(
      this.#prefix,
      this.#prefixBytes,
      this.#at,
      this.#at + PREFIX_BYTES - this.#prefixBytes,
    );
    this.#at += copied;
    this.#prefixBytes += copied;
    if (this.#prefixBytes < PREFIX_BYTES) return undefined;
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.#maxBytes) throw gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes: this.#maxBytes });
    return length;
  }

  #readData(length: number): Buffer | undefined {
    const end = this.#at + length - this.#part.length;
    const part = this.#chunk.subarray(this.#at, end);
    this.#at += part.length;
    if (this.#part.length === 0 && part.length === length) return part;
    this.#part.add(part);
    return this.#part.length < length ? undefined : this.#part.take();
  }
}

/**
 * The one message of a body.
 *
 * @throws RpcError `UNIMPLEMENTED` if there is none or a second one, as gRPC calls for; `INTERNAL` if the body ends inside
 * a message. Source: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, "cardinality violation".
 */
export function onlyEnvelope(body: Buffer, maxBytes: number): Envelope {
  const reader = new EnvelopeReader(maxBytes);
  reader.push(body);
  const envelope = reader.next();
  if (envelope === undefined) throw reader.whole ? gatewayErrors.NO_MESSAGE() : gatewayErrors.CUT_OFF();
  if (!reader.whole) throw gatewayErrors.SECOND_MESSAGE();
  return envelope;
}

/** A message with its prefix. */
export function envelop(data: Uint8Array, flags = 0): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + data.length);
  framed[0] = flags;
  framed.writeUInt32BE(data.length, 1);
  framed.set(data, PREFIX_BYTES);
  return framed;
}
