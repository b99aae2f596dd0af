import { createHash } from 'node:crypto';

/** An answer as a shared store has it. */
export interface SharedAnswer {
  readonly bytes: Uint8Array;
  /** Milliseconds since the Unix epoch. */
  readonly freshUntil: number;
}

/** The first bytes of each value. The last one is the version of the format. */
const MAGIC = Buffer.from('rndo1');
const DIGEST_BYTES = 16;
const DIGEST_AT = MAGIC.length;
const TIME_AT = DIGEST_AT + DIGEST_BYTES;
const BODY_AT = TIME_AT + 8;

/** The value of an answer under `key`: a mark, a digest of the rest and of the key, the time, and the encoded reply. */
export function writeAnswer(key: string, { bytes, freshUntil }: SharedAnswer): Uint8Array {
  const value = Buffer.allocUnsafe(BODY_AT + bytes.length);
  MAGIC.copy(value);
  value.writeDoubleBE(freshUntil, TIME_AT);
  value.set(bytes, BODY_AT);
  digestOf(key, value).copy(value, DIGEST_AT);
  return value;
}

/** The answer in a value; undefined if the value isn't one of an answer under `key`, or is damaged. */
export function readAnswer(key: string, received: Uint8Array): SharedAnswer | undefined {
  const value = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
  if (value.length < BODY_AT || !value.subarray(0, DIGEST_AT).equals(MAGIC)) return undefined;
  if (!value.subarray(DIGEST_AT, TIME_AT).equals(digestOf(key, value))) return undefined;
  return { freshUntil: value.readDoubleBE(TIME_AT), bytes: value.subarray(BODY_AT) };
}

/** The key is part of it, so that a value under another key, of another contract for example, is no answer. */
function digestOf(key: string, value: Buffer): Buffer {
  return createHash('sha256')
    .update(key)
    .update('\0')
    .update(value.subarray(TIME_AT))
    .digest()
    .subarray(0, DIGEST_BYTES);
}
