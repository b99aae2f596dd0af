import type { MessageType, MessageWriter } from './definition.js';

/** A writer is kept for the next message unless this one made its buffer large. */
const MAX_KEPT_BYTES = 4 * 1024;

/** By type, as each type may come from another generator, with another kind of writer. */
const writers = new WeakMap<MessageType, { idle: MessageWriter | undefined }>();

/**
 * Encodes a message by its type. All small messages of a type are written by one writer, because a new one with its buffer
 * costs more than to encode a small message.
 */
export function encodeMessage(type: MessageType, message: unknown): Uint8Array {
  let kept = writers.get(type);
  if (kept === undefined) {
    kept = { idle: undefined };
    writers.set(type, kept);
  }
  const { idle } = kept;
  // If the encoding fails, the writer has a part of the message: then it isn't used again.
  kept.idle = undefined;
  const writer = idle === undefined ? type.encode(message) : type.encode(message, idle);
  const bytes = writer.finish();
  if (bytes.length <= MAX_KEPT_BYTES) kept.idle = writer;
  return bytes;
}
