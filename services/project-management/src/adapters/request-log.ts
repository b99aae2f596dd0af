import type { Transaction } from '@rondo/database';
import { RequestIdReused } from '../domain/errors.js';
import type { RequestKey } from '../domain/request-key.js';

/** A table whose rows may be asked for with a request id. */
export type Collection = 'projects' | 'tasks' | 'members';

/** Which request makes a row of which table. */
export interface Once {
  readonly collection: Collection;
  /** Undefined for a create that nobody repeats. */
  readonly key: RequestKey | undefined;
}

/**
 * Runs `create` the first time a request comes, and answers it with the row made then ever after.
 *
 * The claim of the id is the transaction's first statement: an equal one that arrives meanwhile waits in it until this
 * transaction ends, then finds the outcome, or, where this one was rolled back, makes the row itself.
 *
 * @throws RequestIdReused where the id came with another request before.
 */
export async function once<Row extends { readonly id: string }>(
  transaction: Transaction,
  { collection, key }: Once,
  create: () => Promise<Row>,
): Promise<Row> {
  if (key === undefined) return create();
  if (!(await claim(transaction, collection, key))) return firstOutcome(transaction, collection, key);
  const row = await create();
  await keepOutcome(transaction, { collection, key, id: row.id });
  return row;
}

async function claim(transaction: Transaction, collection: Collection, key: RequestKey): Promise<boolean> {
  const claimed = await transaction.query(
    `INSERT INTO create_requests (collection, request_id, fingerprint) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING RETURNING request_id`,
    [collection, key.id, key.fingerprint],
  );
  return claimed.length === 1;
}

async function keepOutcome(
  transaction: Transaction,
  { collection, key, id }: { collection: Collection; key: RequestKey; id: string },
): Promise<void> {
  await transaction.query(
    `UPDATE create_requests SET outcome = (SELECT to_jsonb(made) FROM ${collection} AS made WHERE id = $3)
     WHERE collection = $1 AND request_id = $2`,
    [collection, key.id, id],
  );
}

async function firstOutcome<Row extends object>(
  transaction: Transaction,
  collection: Collection,
  { id, fingerprint }: RequestKey,
): Promise<Row> {
  const outcome = await transaction.one<{ same: boolean } & Row>(
    `SELECT fingerprint = $3 AS same, (jsonb_populate_record(NULL::${collection}, outcome)).*
     FROM create_requests WHERE collection = $1 AND request_id = $2`,
    [collection, id, fingerprint],
  );
  if (!outcome.same) throw new RequestIdReused(id);
  return outcome;
}
