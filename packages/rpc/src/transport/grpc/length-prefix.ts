/** The flag and the length before each message. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export const PREFIX_BYTES = 5;

/** To copy a longer message behind its prefix costs more than to write both. */
export const LONG_BYTES = 16 * 1024;

/** The prefix of an uncompressed message of `length` bytes. */
export function prefixOf(length: number): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  writePrefix(prefix, length, 0);
  return prefix;
}

/** An uncompressed message behind its prefix. */
export function withPrefix(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed.set(message, writePrefix(framed, message.length, 0));
  return framed;
}

/** Messages, each behind its prefix. `bytes` is their length together. */
export function withPrefixes(messages: readonly Uint8Array[], bytes: number): Buffer {
  const framed = Buffer.allocUnsafe(bytes + PREFIX_BYTES * messages.length);
  let at = 0;
  for (const message of messages) {
    at = writePrefix(framed, message.length, at);
    framed.set(message, at);
    at += message.length;
  }
  return framed;
}

/**
 * Writes the prefix of an uncompressed message of `length` bytes at `at`.
 *
 * @returns the position behind it.
 */
export function writePrefix(target: Buffer, length: number, at: number): number {
  return target.writeUInt32BE(length, target.writeUInt8(0, at));
}
