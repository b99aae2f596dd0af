import type { Database, QueryOptions, Transaction } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';

/** How a branch has ended, as its row has it. */
export interface EndedBranch {
  readonly outcome: 'committed' | 'aborted';
  readonly heuristic: boolean;
}

/** What a participant forgets, as long ago. */
const RETENTION_DAYS = 30;
const FORGOTTEN_AT_ONCE = 1_000;

/**
 * Takes a branch for its transaction, which then is the only one that works on it: the lock is held for as long as the
 * transaction is open or prepared, by whichever process.
 */
export async function claimBranch({ one }: Transaction, gid: string): Promise<boolean> {
  const { claimed } = await one<{ claimed: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS claimed',
    [gid],
  );
  return claimed;
}

/** Notes that the branch is committed, once its transaction is; false where it has ended before. */
export async function markCommitted({ query }: Transaction, gid: string): Promise<boolean> {
  const rows = await query(
    `INSERT INTO transaction_branches (gid, outcome) VALUES ($1, 'committed') ON CONFLICT DO NOTHING RETURNING gid`,
    [gid],
  );
  return rows.length > 0;
}

/** Notes that the branch is aborted, unless it has ended otherwise; undefined while somebody works on it. */
export function markAborted(
  database: Database,
  { gid, heuristic }: { readonly gid: string; readonly heuristic: boolean },
  options: QueryOptions,
): Promise<EndedBranch | undefined> {
  return database.transaction(async (transaction) => {
    if (!(await claimBranch(transaction, gid))) return undefined;
    await transaction.query(
      `INSERT INTO transaction_branches (gid, outcome, heuristic) VALUES ($1, 'aborted', $2) ON CONFLICT DO NOTHING`,
      [gid, heuristic],
    );
    return await findEnded(transaction, gid);
  }, options);
}

/** Notes that an operator decided it. */
export async function markHeuristic(database: Database, gid: string, options: QueryOptions): Promise<void> {
  await database.query('UPDATE transaction_branches SET heuristic = true WHERE gid = $1', [gid], options);
}

/** How a branch has ended; undefined where it hasn't, or isn't known. */
export function findEnded(
  queries: Pick<Database, 'maybeOne'>,
  gid: string,
  options?: QueryOptions,
): Promise<EndedBranch | undefined> {
  const statement = 'SELECT outcome, heuristic FROM transaction_branches WHERE gid = $1';
  return queries.maybeOne<EndedBranch>(statement, [gid], options);
}

/** Has branches that ended long ago forgotten, some at a time, each time that a thousand more have ended. */
export function createBranchTrim(database: Database, log: Logger): () => Promise<void> {
  let ended = 0;
  return async () => {
    ended += 1;
    if (ended % FORGOTTEN_AT_ONCE !== 0) return;
    await trimBranches(database).catch((err: unknown) => log.warn({ err }, "branches of old couldn't be forgotten"));
  };
}

async function trimBranches(database: Database): Promise<void> {
  await database.query(
    `DELETE FROM transaction_branches WHERE gid IN
      (SELECT gid FROM transaction_branches WHERE update_time < now() - make_interval(days => $1) LIMIT $2)`,
    [RETENTION_DAYS, FORGOTTEN_AT_ONCE],
  );
}
