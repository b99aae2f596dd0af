/** All messages of a stream. */
export async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

/** `items` as a stream. */
export async function* streamOf<T>(...items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** `item` without end; `onPull` runs before each, `onEnd` when the reader stops. */
export async function* endless<T>(item: T, on: { pull?(): void; end?(): void } = {}): AsyncGenerator<T> {
  try {
    for (;;) {
      on.pull?.();
      yield item;
    }
  } finally {
    on.end?.();
  }
}

/** Never yields and never ends; closing it waits for nothing. */
export function silent<T>(onReturn: () => void = () => undefined): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => undefined),
      return: async () => {
        onReturn();
        return { done: true, value: undefined };
      },
    }),
  };
}
