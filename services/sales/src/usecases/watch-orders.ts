import type { OrderEvent, OrderWatch, Ports } from '../domain/ports.js';

/**
 * Follows orders: a snapshot, then each change after it, once and in order; or, with a token, each change after that.
 *
 * @throws ForeignResumeToken, WatcherTooSlow, WatchInterrupted, or the signal's reason.
 */
export function watchOrders({ feed }: Pick<Ports, 'feed'>, watch: OrderWatch): AsyncIterable<OrderEvent> {
  return feed.watch(watch);
}
