import type { Queries } from '@rondo/database';
import type { StoreDatabase } from '@rondo/resources/sql';
import type { Stores, Transact } from '../domain/ports.js';

/** How {@link createTransact} makes stores and announces changes. */
interface TransactOptions {
  readonly createStores: (queries: Queries, onAppended: () => void) => Stores;
  /** Called after the commit of a transaction that has appended changes. */
  readonly onAppended: () => void;
}

/** Runs transactions over stores. */
export function createTransact(database: StoreDatabase, { createStores, onAppended }: TransactOptions): Transact {
  return async (work) => {
    let appended = false;
    const onChange = (): void => {
      appended = true;
    };
    const result = await database.transaction((transaction) => work(createStores(transaction, onChange)));
    if (appended) onAppended();
    return result;
  };
}
