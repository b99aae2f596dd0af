import { createResourceFeed, type FeedOptions } from '@rondo/resources/sql';
import type { Feeds } from '../domain/ports.js';
import { ORDER_FEED } from './order-feed.js';
import { QUOTE_FEED } from './quote-store.js';

/**
 * Creates the feeds of this service. Triggers append the changes of quotes; orders are appended by the statements themselves.
 */
export function createFeeds(options: FeedOptions): Feeds {
  return {
    quotes: createResourceFeed(options, QUOTE_FEED),
    orders: createResourceFeed(options, ORDER_FEED),
  };
}
