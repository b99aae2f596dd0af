import type { MessageType, MessageWriter } from './definition.js';

/** A writer of a longer message has a large buffer, and is kept only until V8 next collects its old generation. */
const MAX_SMALL_BYTES = 4 * 1024;

/** The idle writers of a type. */
interface Writers {
  small: MessageWriter | undefined;
  large: WeakRef<MessageWriter> | undefined;
}

/** By type, as each type may come from another generator, with another kind of writer. */
const writers = new WeakMap<MessageType, Writers>();

/**
 * Encodes a message by its type. All messages of a type share one writer: a new writer with its buffer would cost
 * more than encoding a small message, and for a long message its buffer would grow to up to twice the length.
 */
export function encodeMessage(type: MessageType, message: unknown): Uint8Array {
  let idle = writers.get(type);
  if (idle === undefined) {
    idle = { small: undefined, large: undefined };
    writers.set(type, idle);
  }
  const { small, large } = idle;
  const largeWriter = large?.deref();
  const taken = largeWriter ?? small;
  // If the encoding fails, the writer has a part of the message: then it isn't used again.
  idle.small = undefined;
  idle.large = undefined;
  const writer = taken === undefined ? type.encode(message) : type.encode(message, taken);
  const bytes = writer.finish();
  if (largeWriter !== undefined) {
    idle.small = small;
    idle.large = large;
  } else if (bytes.length > MAX_SMALL_BYTES) {
    idle.large = new WeakRef(writer);
  } else {
    idle.small = writer;
  }
  return bytes;
}
