/** A flag and a length of four bytes. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const PREFIX_BYTES = 5;

/** Follows where messages begin and end in the bytes of a stream. grpc-js drops the part of one that is cut off. */
export class MessageFraming {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  /** What of the current message is still to come. */
  #missingBytes = 0;

  /** Whether the bytes read so far end where a message ends. */
  get whole(): boolean {
    return this.#prefixBytes === 0 && this.#missingBytes === 0;
  }

  /** Takes the next bytes of the stream. */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at += this.#missingBytes > 0 ? this.#skip(chunk, at) : this.#begin(chunk, at);
  }

  #skip(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.#missingBytes, chunk.length - at);
    this.#missingBytes -= bytes;
    return bytes;
  }

  #begin(chunk: Buffer, at: number): number {
    const bytes = chunk.copy(this.#prefix, this.#prefixBytes, at, at + PREFIX_BYTES - this.#prefixBytes);
    this.#prefixBytes += bytes;
    if (this.#prefixBytes === PREFIX_BYTES) {
      this.#missingBytes = this.#prefix.readUInt32BE(1);
      this.#prefixBytes = 0;
    }
    return bytes;
  }
}
