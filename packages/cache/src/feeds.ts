import type { Channel } from '@rondo/rpc/client';
import type { Method } from '@rondo/rpc/internal';
import { type Feed, openFeed } from './feed.js';

/** The feeds of changes that a cache follows: one for each feed in the contracts of the methods that are called. */
export interface Feeds {
  attach(channel: Channel): void;
  /** Whether answers of the method may be kept: its contract names no feed, or the feed is current. It opens the feed. */
  isCurrent(method: Method): boolean;
  close(): void;
}

/** What happens to the answers that a feed is about. */
export interface FeedsOptions {
  readonly onChange: (service: string, feed: string, resource: string) => void;
  readonly onBreak: (service: string, feed: string) => void;
}

export function createFeeds({ onChange, onBreak }: FeedsOptions): Feeds {
  const open = new Map<string, Feed>();
  let channel: Channel | undefined;
  let closed = false;
  return {
    attach(given) {
      channel = given;
    },
    isCurrent({ service, policy: { cache } }) {
      const method = cache?.feed?.method;
      if (method === undefined) return true;
      if (channel === undefined || closed) return false;
      const key = `${service} ${method}`;
      const known = open.get(key);
      if (known !== undefined) return known.current;
      const told = {
        onChange: (resource: string) => onChange(service, method, resource),
        onBreak: () => onBreak(service, method),
      };
      open.set(key, openFeed({ channel, service, method, ...told }));
      return false;
    },
    close() {
      closed = true;
      for (const feed of open.values()) feed.close();
    },
  };
}
