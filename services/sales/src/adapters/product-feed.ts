import { toWatchError } from '@rondo/resources/sql';
import { currentWorkLimits } from '@rondo/rpc/call';
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
      const { caller } = currentWorkLimits();
      try {
        for await (const event of sync.watch({ topic: PRODUCTS_TOPIC, caller, signal, snapshot })) {
          if (event.kind === 'change') yield* idsOf(event.payload);
          else yield undefined;
        }
      } catch (error) {
        throw toWatchError(error, 'products');
      }
    },
  };
}

/** Entries from before migration 0013 have one id. */
function idsOf(payload: unknown): readonly string[] {
  const { texts, text } = payloadFields(payload);
  return typeof payload === 'object' && payload !== null && 'ids' in payload ? texts('ids') : [text('id')];
}
