/**
 * ZooKeeper's encoding: big-endian numbers, and texts and bytes behind their length.
 *
 * Source: https://github.com/apache/zookeeper/blob/release-3.8.0/zookeeper-jute/src/main/resources/zookeeper.jute
 */

/** Writes the fields of one frame. */
export class JuteWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    this.#parts.push(bytes);
    return this;
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    this.#parts.push(bytes);
    return this;
  }

  bool(value: boolean): this {
    this.#parts.push(Buffer.of(value ? 1 : 0));
    return this;
  }

  bytes(value: Buffer): this {
    this.int(value.length).#parts.push(value);
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  /** The fields behind their length in bytes. */
  toFrame(): Buffer {
    const length = Buffer.alloc(4);
    length.writeInt32BE(this.#parts.reduce((sum, part) => sum + part.length, 0));
    return Buffer.concat([length, ...this.#parts]);
  }
}

/** Reads the fields of one frame. Each method throws a RangeError if the frame ends before. */
export class JuteReader {
  readonly #frame: Buffer;
  #at = 0;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  int(): number {
    this.#at += 4;
    return this.#frame.readInt32BE(this.#at - 4);
  }

  long(): bigint {
    this.#at += 8;
    return this.#frame.readBigInt64BE(this.#at - 8);
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int());
    this.#at += length;
    if (this.#at > this.#frame.length) throw new RangeError('a field is longer than its frame');
    return this.#frame.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.bytes().toString();
  }

  /** @throws RangeError if there are more than `max`. */
  texts(max: number): readonly string[] {
    const count = Math.max(0, this.int());
    if (count > max) throw new RangeError(`it names more than ${max} instances`);
    return Array.from({ length: count }, () => this.text());
  }
}

const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that `chunk` completes. @throws RangeError if one is longer than any answer can be. */
  read(chunk: Buffer): readonly JuteReader[] {
    let rest = Buffer.concat([this.#rest, chunk]);
    const frames: JuteReader[] = [];
    while (rest.length >= 4 && rest.length >= 4 + lengthOf(rest)) {
      const end = 4 + lengthOf(rest);
      frames.push(new JuteReader(rest.subarray(4, end)));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    return frames;
  }
}

function lengthOf(bytes: Buffer): number {
  const length = bytes.readInt32BE(0);
  if (length < 0 || length > MAX_FRAME_BYTES)
    throw new RangeError(`a frame of ${length} bytes is no answer of ZooKeeper`);
  return length;
}
