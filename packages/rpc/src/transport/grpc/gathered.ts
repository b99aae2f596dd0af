/** The least size of a block after the first. Bytes. */
const BLOCK_BYTES = 4 * 1024;

/**
 * Gathers the bytes of a message until it is complete. They are copied, because each chunk, however small, would
 * keep the whole buffer that was read from the socket.
 */
export class Gathered {
  #blocks: Buffer[] = [];
  #heldBytes = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The memory that the bytes take. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(chunk: Buffer): void {
    const room = this.#heldBytes - this.#length;
    this.#blocks.at(-1)?.set(chunk.subarray(0, room), this.#lastLength - room);
    if (chunk.length > room) this.#begin(chunk.subarray(room));
    this.#length += chunk.length;
  }

  /** Hands the bytes over, and begins anew. */
  take(): Buffer {
    const [first, another] = this.#blocks;
    const bytes =
      first !== undefined && another === undefined
        ? first.subarray(0, this.#length)
        : Buffer.concat(this.#blocks, this.#length);
    this.#blocks = [];
    this.#heldBytes = 0;
    this.#length = 0;
    return bytes;
  }

  get #lastLength(): number {
    return this.#blocks.at(-1)?.length ?? 0;
  }

  /** Begins another block. It doesn't come from Node's pool, because it would keep 8 KiB of the pool. */
  #begin(bytes: Buffer): void {
    const block = Buffer.allocUnsafeSlow(this.#length === 0 ? bytes.length : Math.max(bytes.length, BLOCK_BYTES));
    block.set(bytes);
    this.#blocks.push(block);
    this.#heldBytes += block.length;
  }
}
