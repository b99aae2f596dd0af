import { toWatchError } from '@rondo/resources/sql';
import { payloadFields, type Sync } from '@rondo/sync';
import type { ProductFeed } from '../domain/product.js';

/** The topic of the changes of products. Triggers of the database append them. */
const PRODUCTS_TOPIC = 'products';

/** Tells which products change at any replica. */
export function createProductFeed(sync: Pick<Sync, 'watch'>): ProductFeed {
  // Watchers read the products themselves.
  const snapshot = async function* () {
    yield undefined;
  };
  return {
    async *watch(signal) {
      try {
        for await (const event of sync.watch({ topic: PRODUCTS_TOPIC, signal, snapshot })) {
          if (event.kind === 'change') yield* payloadFields(event.payload).texts('ids');
          else yield undefined;
        }
      } catch (error) {
        throw toWatchError(error, 'products');
      }
    },
  };
}
