import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { canDecompress, type DecompressionErrors, decompress } from '../../transport/grpc/compression.js';
import { PREFIX_BYTES } from '../../transport/grpc/length-prefix.js';

const COMPRESSED = 1;
const NO_BYTES = Buffer.alloc(0);

/**
 * The request of a unary call, read chunk by chunk, and decompressed if it is compressed.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class UnaryRequest {
  readonly stream = false;
  readonly #maxBytes: number;
  readonly #encoding: unknown;
  #message: Buffer | undefined;
  /**
   * A copy of what was read, with room for more. It grows with what arrives, not to the length that the client claims. The
   * chunks aren't kept: one may be of a byte, and holds on to all that was read from the connection at once.
   */
  #buffer = NO_BYTES;
  #bytes = 0;

  /**
   * @param maxBytes the longest message, compressed or not.
   * @param encoding how it is compressed if it has the flag: the call's `grpc-encoding`.
   */
  constructor(maxBytes: number, encoding?: unknown) {
    this.#maxBytes = maxBytes;
    this.#encoding = encoding;
  }

  /** The message. It is there once the request has ended, and is decompressed if it {@link UnaryRequest.isCompressed}. */
  get message(): Buffer {
    return this.#message ?? NO_BYTES;
  }

  /** Lets go of what was read. */
  drop(): void {
    this.#buffer = NO_BYTES;
    this.#message = undefined;
  }

  get isCompressed(): boolean {
    return this.#buffer[0] === COMPRESSED;
  }

  /** @throws RpcError if there is a second message, or the message is too long, or its prefix isn't valid. */
  read(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#message !== undefined) throw secondMessage();
    this.#append(chunk);
    if (this.#bytes < PREFIX_BYTES) return;
    const wholeBytes = this.#lengthIn(this.#buffer);
    if (this.#bytes > wholeBytes) throw secondMessage();
    if (this.#bytes === wholeBytes) this.#message = this.#buffer.subarray(PREFIX_BYTES, wholeBytes);
  }

  /** @throws RpcError if the request has ended without a whole message. */
  end(): void {
    if (this.#message === undefined) throw this.#unfinished();
  }

  /** @throws RpcError if the message can't be decompressed. */
  async decompress(): Promise<void> {
    const { message } = this;
    this.#buffer = NO_BYTES;
    this.#message = await decompress(message, { encoding: this.#encoding, maxBytes: this.#maxBytes }, ERRORS);
  }

  #unfinished(): RpcError {
    // @cause A client called a unary method without a message.
    // @remedy Send one message. An empty one has five zero bytes.
    // @effect none
    if (this.#bytes === 0) return new RpcError(Status.UNIMPLEMENTED, 'a unary call needs one request; send it');
    // @cause A client ended its request in the middle of a message. Only a broken client does so.
    // @remedy Correct the client's framing: a length-prefixed message must be as long as its prefix says.
    // @effect none
    return new RpcError(Status.INTERNAL, 'the request ended inside a message; send it whole');
  }

  #append(chunk: Buffer): void {
    const bytes = this.#bytes + chunk.length;
    if (this.#bytes === 0) {
      this.#buffer = Buffer.from(chunk);
    } else {
      if (bytes > this.#buffer.length) {
        const enough = this.#bytes < PREFIX_BYTES ? Number.POSITIVE_INFINITY : this.#lengthIn(this.#buffer);
        const larger = Buffer.allocUnsafe(Math.max(bytes, Math.min(2 * bytes, enough)));
        this.#buffer.copy(larger, 0, 0, this.#bytes);
        this.#buffer = larger;
      }
      chunk.copy(this.#buffer, this.#bytes);
    }
    this.#bytes = bytes;
  }

  /** The length of the message that begins with `bytes`, with its prefix. */
  #lengthIn(bytes: Buffer): number {
    const flag = bytes.readUInt8(0);
    const length = bytes.readUInt32BE(1);
    if (length > this.#maxBytes) throw tooLong(length, this.#maxBytes);
    if (flag !== 0) this.#checkFlag(flag);
    return PREFIX_BYTES + length;
  }

  #checkFlag(flag: number): void {
    // @cause What a client sent isn't framed as gRPC is.
    // @remedy Correct the client: a length-prefixed message begins with a byte of 0, or of 1 if it is compressed.
    // @effect none
    if (flag !== COMPRESSED)
      throw new RpcError(Status.INTERNAL, `the request begins with the byte ${flag}; gRPC has 0 or 1 there`);
    if (canDecompress(this.#encoding)) return;
    // @cause A client marked its request as compressed, and didn't say how.
    // @remedy Send the header grpc-encoding with gzip or deflate, or don't compress.
    // @effect none
    throw new RpcError(
      Status.INTERNAL,
      'the request is compressed, but its grpc-encoding is identity or missing; send gzip or deflate',
    );
  }
}

function secondMessage(): RpcError {
  // @cause A client sent several messages to a method that takes one.
  // @remedy Compare the client's contract with the server's: `rondo describe`.
  // @effect none
  return new RpcError(Status.UNIMPLEMENTED, 'a unary call takes one request, and this has more; send one');
}

/** As grpc-js says it. */
function tooLong(bytes: number, maxBytes: number): RpcError {
  // @cause A message is larger than one may be, 4 MiB.
  // @remedy Send less at a time: use pages, or a stream.
  // @effect none
  return new RpcError(Status.RESOURCE_EXHAUSTED, `Received message larger than max (${bytes} vs ${maxBytes})`);
}

const ERRORS: DecompressionErrors = {
  unreadable(encoding) {
    // @cause A client's request isn't compressed as its header grpc-encoding says, or was cut off before it was framed.
    // @remedy Correct the client, or the proxy that compresses its requests.
    // @effect none
    return new RpcError(
      Status.INTERNAL,
      `the request can not be decompressed as ${encoding}; send all of it, in that encoding`,
    );
  },
  tooLong(maxBytes) {
    // @cause A compressed request is longer than the server reads, once it is decompressed: 4 MiB by default.
    // @remedy Send less at a time: use pages, or a stream. Or raise the server's `maxRequestBytes`.
    // @effect none
    return new RpcError(
      Status.RESOURCE_EXHAUSTED,
      `the request decompresses to more than ${maxBytes} bytes; send less at a time`,
    );
  },
};
