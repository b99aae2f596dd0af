import { QuoteState, type RemindOwnerRequest } from '@rondo/contracts/sales/v1/quotes';
import type { Queries } from '@rondo/database';
import { readNamed } from '@rondo/resources';
import { reading } from '@rondo/rpc/server';
import type { SalesMethods } from './context.js';
import { errors } from './errors.js';
import { lockOffered, quotes } from './quotes.js';

/** `RemindOwner`. A quote that was accepted or deleted meanwhile stays as it is. */
export const remindOwner = ({ database, now }: Pick<SalesMethods, 'database' | 'now'>) =>
  reading(
    (request: RemindOwnerRequest, field) => readNamed(quotes, request, field),
    ({ name }) => errors.withRpcErrors(database.transaction((tx) => remind(tx, name, now()))),
  );

async function remind(tx: Queries, name: string, now: Date) {
  const { quote } = await lockOffered(tx, name);
  if (quote.state === QuoteState.QUOTE_STATE_OPEN && quote.deleteTime === undefined) {
    await tx.query('UPDATE quotes SET reminder_time = $2 WHERE id = $1', [...quotes.idsIn(name), now]);
  }
  return {};
}
