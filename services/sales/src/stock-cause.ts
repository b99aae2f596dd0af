import type { Queries } from '@rondo/database';
import { callPrincipal, currentScope } from '@rondo/rpc/call';

/** Why this service changes a stock, and the name of the order, or what the caller gave. */
export interface StockCause {
  readonly reason: 'CREATED' | 'ADJUSTED' | 'ORDERED' | 'ORDER_CANCELLED';
  readonly reference: string;
}

/** As long as the subjects of audit events. */
const MAX_SUBJECT = 255;

/**
 * SQL that tells the triggers of `products` why the stock changes, for the statement that changes it. They append the change.
 *
 * @param param the number of the parameter of {@link causeParam}.
 */
export const tellCauseSql = (param: number): string => `set_config('rondo.stock_change', $${param}::text, true)`;

/** The parameter of {@link tellCauseSql}, with the subject of the present call. Neither text has characters that JSON has, and jsonb not. */
export function causeParam({ reason, reference }: StockCause): string {
  const { subject = '' } = currentScope()?.values?.get(callPrincipal) ?? {};
  const shortened = Buffer.from(subject.slice(0, MAX_SUBJECT).replaceAll('\0', '')).toString();
  return JSON.stringify({ reason, reference, subject: shortened });
}

/** Tells the triggers why the next statements of the transaction change stocks. */
export async function tellCause(tx: Queries, cause: StockCause): Promise<void> {
  await tx.query(`SELECT ${tellCauseSql(1)}`, [causeParam(cause)]);
}
