// For contenders whose streams are async iterables.

/** An async iterable of what a plain one has. */
export async function* toAsync(values) {
  yield* values;
}

/** Hands each message to `onReply`, up to the end of the stream. */
export async function forEach(messages, onReply) {
  for await (const message of messages) onReply(message);
}
