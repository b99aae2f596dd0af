import { type Logger, type Principal, silentLogger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Method } from '@rondo/rpc/internal';
import { type Feed, type FeedView, openFeed } from './feed.js';

/** The feeds of changes that a cache follows: one for each feed in the contracts of the methods that are called. */
export interface Feeds {
  attach(channel: Channel): void;
  /** Whether answers of the method may be cached: its contract names no feed, or the feed is current. The first call opens the feed. */
  isCurrent(method: Method): boolean;
  inspect(): readonly FeedView[];
  close(): void;
}

/** What happens to the answers that a feed is about. */
export interface FeedsOptions {
  /** The name of this process, on whose own behalf feeds that need scopes are watched. */
  readonly self: string | undefined;
  readonly log: Logger | undefined;
  readonly onChange: (service: string, feed: string, resource: string) => void;
  readonly onBreak: (service: string, feed: string) => void;
}

export function createFeeds({ self, log = silentLogger, onChange, onBreak }: FeedsOptions): Feeds {
  const open = new Map<string, Feed>();
  let channel: Channel | undefined;
  let closed = false;
  return {
    attach(given) {
      channel = given;
    },
    isCurrent({ service, policy: { cache, auth } }) {
      const method = cache?.feed?.method;
      if (method === undefined) return true;
      if (channel === undefined || closed) return false;
      const key = `${service} ${method}`;
      const known = open.get(key);
      if (known !== undefined) return known.fault === undefined;
      const handlers = {
        onChange: (resource: string) => onChange(service, method, resource),
        onBreak: () => onBreak(service, method),
      };
      const principal = principalOf(self, auth);
      open.set(key, openFeed({ channel, service, method, principal, log, ...handlers }));
      return false;
    },
    inspect: () => [...open.values()],
    close() {
      closed = true;
      for (const feed of open.values()) feed.close();
    },
  };
}

/**
 * The process itself as a principal, with the scopes that callers of the cached method need. It signs this
 * assertion with its certificate, as it does for its callers. The service thus sends the feed to no caller without
 * credentials, and to no principal without the scopes.
 */
function principalOf(self: string | undefined, auth: Method['policy']['auth']): Principal | undefined {
  if (self === undefined || auth === undefined || auth === 'public' || auth.scopes.length === 0) return undefined;
  return { subject: self, issuer: self, scopes: auth.scopes, actors: [] };
}
