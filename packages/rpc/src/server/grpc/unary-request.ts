import { serverErrors } from '../../errors/server.js';
import type { RpcError } from '../../status/rpc-error.js';
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
   * A copy of the bytes that were read, with room for more. It grows with the bytes that arrive, not to the length that the client
   * announces. The chunks themselves aren't kept: a chunk of one byte can hold the whole buffer that was read from the connection.
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

  /** The message, once the request has ended. It is still compressed if {@link UnaryRequest.isCompressed} is true. */
  get message(): Buffer {
    return this.#message ?? NO_BYTES;
  }

  /** Frees the buffer. */
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
    if (this.#message !== undefined) throw serverErrors.SECOND_REQUEST();
    this.#append(chunk);
    if (this.#bytes < PREFIX_BYTES) return;
    const wholeBytes = this.#lengthIn(this.#buffer);
    if (this.#bytes > wholeBytes) throw serverErrors.SECOND_REQUEST();
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
    return this.#bytes === 0 ? serverErrors.NO_REQUEST() : serverErrors.REQUEST_CUT_OFF();
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
    if (length > this.#maxBytes) throw serverErrors.REQUEST_TOO_LONG({ bytes: length, maxBytes: this.#maxBytes });
    if (flag !== 0) this.#checkFlag(flag);
    return PREFIX_BYTES + length;
  }

  #checkFlag(flag: number): void {
    if (flag !== COMPRESSED) throw serverErrors.UNKNOWN_FLAG({ flag });
    if (!canDecompress(this.#encoding)) throw serverErrors.NO_ENCODING();
  }
}

const ERRORS: DecompressionErrors = {
  unreadable: (encoding) => serverErrors.UNREADABLE_REQUEST({ encoding: String(encoding) }),
  tooLong: (maxBytes) => serverErrors.INFLATED_REQUEST_TOO_LONG({ maxBytes }),
};
