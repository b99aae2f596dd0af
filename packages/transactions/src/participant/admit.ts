import type { Transaction } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import { type CheckedRef, gidPrefix } from '../transaction-ref.js';
import { type KnownCoordinators, unknownCoordinator } from './known-coordinators.js';

/** Of all that the server may prepare, this part is left to other databases and to what is prepared at the same time. */
const ROOM = 1 / 8;
/** One coordinator has at most this part prepared in one database. */
const SHARE = 1 / 2;
/** So many wait for a coordinator's answer at once. */
const MAX_ASKING = 64;

/**
 * Lets branches in: those of transactions that a known coordinator has begun and not decided. It asks before anything is
 * locked, so that a transaction that somebody made up holds nothing.
 *
 * @throws RpcError `PERMISSION_DENIED`, `ABORTED`, `RESOURCE_EXHAUSTED`, or `UNAVAILABLE` where the coordinator can't be asked.
 */
export function createAdmission(coordinators: KnownCoordinators) {
  let asking = 0;
  return async (transaction: CheckedRef, signal: AbortSignal): Promise<void> => {
    if (!coordinators.knows(transaction.coordinator)) {
      throw unknownCoordinator(transaction, coordinators.names);
    }
    if (asking >= MAX_ASKING) throw tooMany(`${asking} transactions wait for the answers of their coordinators`);
    asking += 1;
    try {
      const decision = await coordinators.inquire(transaction, signal).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : cannotAsk(transaction, error);
      });
      if (decision !== undefined) throw notUndecided(transaction);
    } finally {
      asking -= 1;
    }
  };
}

/**
 * Keeps room among the transactions that the server may have prepared: before the branch touches a row.
 *
 * @param entering how many others were past this, and may not be prepared yet, before this was called.
 * @throws RpcError `RESOURCE_EXHAUSTED`.
 */
export async function requireRoom({ one }: Transaction, { coordinator }: CheckedRef, entering: number): Promise<void> {
  const { slots, used, own } = await one<{ slots: number; used: number; own: number }>(
    `SELECT current_setting('max_prepared_transactions')::int AS slots, count(*)::int AS used,
       (count(*) FILTER (WHERE database = current_database() AND starts_with(gid, $1)))::int AS own
     FROM pg_prepared_xacts`,
    [gidPrefix(coordinator)],
  );
  if (used + entering >= slots - Math.floor(slots * ROOM)) {
    throw tooMany(
      `${used + entering} transactions are prepared on the server, which may have ${slots} (max_prepared_transactions)`,
    );
  }
  if (own + entering >= Math.max(1, Math.floor(slots * SHARE))) {
    throw tooMany(`${own + entering} transactions of the coordinator "${coordinator}" are prepared and not ended`);
  }
}

function tooMany(what: string): RpcError {
  return new RpcError(Status.RESOURCE_EXHAUSTED, `${what}: try again when some have ended`);
}

function cannotAsk({ coordinator, id }: CheckedRef, cause: unknown): RpcError {
  const message = `the coordinator "${coordinator}" can't be asked about transaction ${id} now; try again`;
  return new RpcError(Status.UNAVAILABLE, message, { cause });
}

function notUndecided({ coordinator, id }: CheckedRef): RpcError {
  return new RpcError(
    Status.ABORTED,
    `the coordinator "${coordinator}" has no undecided transaction ${id} with a part for this participant; begin a new one`,
  );
}
