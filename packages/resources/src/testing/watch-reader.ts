/** A message of a watch of resources. */
export interface WatchMessage<Event> {
  readonly event?: Event | undefined;
  readonly resumeToken: string;
}

/** An event of any watch of resources. */
export type WatchEvent<T> =
  | { readonly items: readonly T[]; readonly first: boolean; readonly more: boolean }
  | { readonly changed: T };

/** Reads a watch. Each method reads the next event, and throws if that is of another kind or if the watch has ended. */
export interface WatchReader<T> {
  next(): Promise<WatchEvent<T>>;
  /** The next event, which has to be a change. */
  changed(): Promise<T>;
  /** What a new snapshot has, in all of its parts. */
  snapshot(): Promise<readonly T[]>;
  /** The token of the last message. */
  token(): string;
  end(): Promise<void>;
}

/**
 * Reads a watch of resources message by message.
 *
 * @param toEvent converts an event of the contract.
 */
export function readWatch<Event, T>(
  stream: AsyncIterable<WatchMessage<Event>>,
  toEvent: (event: Event) => WatchEvent<T>,
): WatchReader<T> {
  const messages = stream[Symbol.asyncIterator]();
  let token = '';
  const next = async (): Promise<WatchEvent<T>> => {
    const { value, done } = await messages.next();
    if (done || value.event === undefined) throw new Error('the watch has ended');
    token = value.resumeToken;
    return toEvent(value.event);
  };
  return {
    next,
    async changed() {
      const event = await next();
      if ('changed' in event) return event.changed;
      throw new Error(`expected a change, got a part of a snapshot with ${event.items.length} items`);
    },
    async snapshot() {
      const items: T[] = [];
      for (let isFirst = true; ; isFirst = false) {
        const event = await next();
        if ('changed' in event) throw new Error('expected a part of a snapshot, got a change');
        if (event.first !== isFirst) throw new Error(`expected a part of a snapshot with first: ${isFirst}`);
        items.push(...event.items);
        if (!event.more) return items;
      }
    },
    token: () => token,
    async end() {
      await messages.return?.();
    },
  };
}
