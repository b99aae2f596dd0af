import type { Database, Queries, QueryOptions, Transaction } from '@rondo/database';

/** How a branch has ended, as recorded in its row. */
export interface EndedBranch {
  readonly outcome: 'committed' | 'aborted';
  readonly heuristic: boolean;
}

/**
 * Locks a branch for its transaction, until that is committed, rolled back, or ended after a prepare, by any process.
 * Returns false if another transaction holds it.
 */
export async function claimBranch({ one }: Transaction, gid: string): Promise<boolean> {
  const { claimed } = await one<{ claimed: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS claimed',
    [gid],
  );
  return claimed;
}

/**
 * Records the branch as committed, to take effect with its transaction. Returns false if the branch has ended before.
 */
export async function markCommitted({ query }: Transaction, gid: string): Promise<boolean> {
  const rows = await query(
    `INSERT INTO transaction_branches (gid, outcome) VALUES ($1, 'committed') ON CONFLICT DO NOTHING RETURNING gid`,
    [gid],
  );
  return rows.length > 0;
}

/**
 * Records the branch as aborted, unless it has ended otherwise. Returns its end; undefined while another transaction
 * works on it. `record` writes in the same transaction, if the branch has ended by it.
 */
export function markAborted(
  database: Database,
  { gid, heuristic, record }: AbortedBranch,
  options: QueryOptions,
): Promise<EndedBranch | undefined> {
  return database.transaction(async (transaction) => {
    if (!(await claimBranch(transaction, gid))) return undefined;
    const aborted = await transaction.query(
      `INSERT INTO transaction_branches (gid, outcome, heuristic) VALUES ($1, 'aborted', $2) ON CONFLICT DO NOTHING RETURNING gid`,
      [gid, heuristic],
    );
    if (aborted.length > 0) await record?.(transaction);
    return await findEnded(transaction, gid);
  }, options);
}

interface AbortedBranch {
  readonly gid: string;
  readonly heuristic: boolean;
  readonly record?: ((transaction: Queries) => Promise<void>) | undefined;
}

/** Records that an operator decided it. */
export async function markHeuristic({ query }: Queries, gid: string, options: QueryOptions): Promise<void> {
  await query('UPDATE transaction_branches SET heuristic = true WHERE gid = $1', [gid], options);
}

/** How a branch has ended; undefined if it hasn't, or is unknown. */
export function findEnded(
  queries: Pick<Database, 'maybeOne'>,
  gid: string,
  options?: QueryOptions,
): Promise<EndedBranch | undefined> {
  const statement = 'SELECT outcome, heuristic FROM transaction_branches WHERE gid = $1';
  return queries.maybeOne<EndedBranch>(statement, [gid], options);
}
