import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { Transaction } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import { announce, performer } from '../steps.js';
import { type CheckedRef, gidPrefix } from '../transaction-ref.js';
import { claimBranch, markCommitted } from './branches.js';
import type { ParticipantDependencies } from './end-branch.js';
import { type KnownCoordinators, unknownCoordinator } from './known-coordinators.js';
import type { Operation } from './operation.js';

/** A branch to prepare. */
interface NewBranch {
  readonly transaction: CheckedRef;
  readonly gid: string;
  readonly operation: Operation;
  readonly request: Any;
}

/**
 * Runs the operation and prepares its transaction for commit.
 *
 * @throws RpcError `ABORTED` if the branch has ended before, or is being prepared.
 */
export async function prepareBranch(
  dependencies: ParticipantDependencies,
  branch: NewBranch,
  caller: AbortSignal,
): Promise<Any> {
  const { gid } = branch;
  const actor = { transactionId: branch.transaction.id, name: dependencies.name };
  const aborted = new AbortController();
  const signal = AbortSignal.any([caller, aborted.signal]);
  if (dependencies.preparing.has(gid)) throw beingPrepared(branch);
  dependencies.preparing.set(gid, aborted);
  try {
    const result = await dependencies.preparingDatabase.prepare(
      gid,
      async (transaction) => {
        const others = dependencies.entering.size;
        dependencies.entering.add(gid);
        await requireRoom(transaction, branch.transaction, others);
        const done = await operate({ ...branch, name: dependencies.name }, transaction, signal);
        announce({ role: 'participant', step: 'prepare', moment: 'before', ...actor });
        return done;
      },
      { signal },
    );
    announce({ role: 'participant', step: 'prepare', moment: 'after', ...actor });
    return result;
  } finally {
    dependencies.preparing.delete(gid);
    dependencies.entering.delete(gid);
  }
}

async function operate(
  branch: NewBranch & { readonly name: string },
  transaction: Transaction,
  signal: AbortSignal,
): Promise<Any> {
  const { gid, operation, request, transaction: ref } = branch;
  if (!(await claimBranch(transaction, gid))) throw beingPrepared(branch);
  // Before the work: an aborted branch must cost nothing.
  if (!(await markCommitted(transaction, gid))) {
    // @cause The part was committed or aborted already, so that a late request to prepare it has no effect.
    // @remedy Begin a new transaction.
    // @effect none
    throw new RpcError(
      Status.ABORTED,
      `transaction ${ref.id} of ${ref.coordinator} has ended here already; begin a new one`,
    );
  }
  const perform = performer('participant', { transactionId: ref.id, name: branch.name });
  return await perform('operation', () => operation.run(transaction, request, { transaction: ref, signal }));
}

function beingPrepared({ transaction: { id, coordinator } }: NewBranch): RpcError {
  // @cause The participant was asked again to prepare the same part, as happens if the connection broke during the first
  // request.
  // @remedy Begin a new transaction if `rondo tx ls` doesn't show this one as committing.
  // @effect possible
  return new RpcError(
    Status.ABORTED,
    `transaction ${id} of ${coordinator} is already prepared, or being prepared, here`,
  );
}

/** Part of the server's prepared transactions that stays free for other databases and for concurrent prepares. */
const RESERVED_SHARE = 1 / 8;
/** Largest part of the server's prepared transactions that one coordinator may have in one database. */
const COORDINATOR_SHARE = 1 / 2;
/** How many Prepares may wait for their coordinators' answers at once. */
const MAX_ASKING = 64;

/**
 * Admits branches of transactions that a known coordinator has begun and not decided. It asks the coordinator before
 * anything is locked, so that a forged transaction holds no locks.
 *
 * @throws RpcError `PERMISSION_DENIED`, `ABORTED`, `RESOURCE_EXHAUSTED`, or `UNAVAILABLE` if the coordinator can't be
 *   asked.
 */
export function createAdmission(coordinators: KnownCoordinators) {
  let asking = 0;
  return async (transaction: CheckedRef, signal: AbortSignal): Promise<void> => {
    if (!coordinators.knows(transaction.coordinator)) {
      throw unknownCoordinator(transaction, coordinators.names);
    }
    // @cause More transactions than the participant holds wait for answers of their coordinators.
    // @remedy Begin a new transaction later; see whether the coordinators' services run.
    // @effect none
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
 * Limits the prepared transactions of the server. It runs before the branch touches a row.
 *
 * @param entering how many other branches passed this check and may not be prepared yet.
 * @throws RpcError `RESOURCE_EXHAUSTED`.
 */
async function requireRoom({ one }: Transaction, { coordinator }: CheckedRef, entering: number): Promise<void> {
  const { slots, used, own } = await one<{ slots: number; used: number; own: number }>(
    `SELECT current_setting('max_prepared_transactions')::int AS slots, count(*)::int AS used,
       (count(*) FILTER (WHERE database = current_database() AND starts_with(gid, $1)))::int AS own
     FROM pg_prepared_xacts`,
    [gidPrefix(coordinator)],
  );
  if (used + entering >= slots - Math.floor(slots * RESERVED_SHARE)) {
    // @cause The participant's PostgreSQL holds nearly as many prepared transactions as `max_prepared_transactions` allows.
    // @remedy Try later; raise the setting if it recurs, and look for transactions in doubt with `rondo tx ls`.
    // @effect none
    throw tooMany(
      `${used + entering} transactions are prepared on the server, which may have ${slots} (max_prepared_transactions)`,
    );
  }
  if (own + entering >= Math.max(1, Math.floor(slots * COORDINATOR_SHARE))) {
    // @cause One coordinator has more prepared transactions at the participant than its share.
    // @remedy Try later; look for transactions in doubt with `rondo tx ls`.
    // @effect none
    throw tooMany(`${own + entering} transactions of the coordinator "${coordinator}" are prepared and not ended`);
  }
}

// @callers
function tooMany(what: string): RpcError {
  return new RpcError(Status.RESOURCE_EXHAUSTED, `${what}: try again when some have ended`);
}

function cannotAsk({ coordinator, id }: CheckedRef, cause: unknown): RpcError {
  const message = `the coordinator "${coordinator}" can't be asked about transaction ${id} now; try again`;
  // @cause The participant asks the coordinator about each transaction before it prepares its part, and got no answer.
  // @remedy Begin a new transaction; see whether the coordinator's service runs.
  // @effect none
  return new RpcError(Status.UNAVAILABLE, message, { cause });
}

function notUndecided({ coordinator, id }: CheckedRef): RpcError {
  // @cause The coordinator has decided the transaction, or never began it, when a participant is asked to prepare.
  // @remedy Begin a new transaction.
  // @effect none
  return new RpcError(
    Status.ABORTED,
    `the coordinator "${coordinator}" has no undecided transaction ${id} with a part for this participant; begin a new one`,
  );
}
