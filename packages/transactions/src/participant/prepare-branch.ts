import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { Transaction } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import { announce, performer } from '../steps.js';
import { type CheckedRef, gidPrefix } from '../transaction-ref.js';
import { claimBranch, markCommitted } from './branches.js';
import type { ParticipantDependencies } from './end-branch.js';
import type { Operation } from './operation.js';
import { type KnownCoordinators, unknownCoordinator } from './known-coordinators.js';

/** What is to be prepared. */
interface NewBranch {
  readonly transaction: CheckedRef;
  readonly gid: string;
  readonly operation: Operation;
  readonly request: Any;
}

/**
 * Does the operation and prepares it for commit.
 *
 * @throws RpcError `ABORTED` where the branch has ended before, or is being worked on.
 */
export async function prepareBranch(around: ParticipantDependencies, branch: NewBranch, caller: AbortSignal): Promise<Any> {
  const { gid } = branch;
  const who = { transactionId: branch.transaction.id, name: around.name };
  const aborted = new AbortController();
  const signal = AbortSignal.any([caller, aborted.signal]);
  if (around.preparing.has(gid)) throw beingPrepared(branch);
  around.preparing.set(gid, aborted);
  try {
    const result = await around.database.prepare(
      gid,
      async (transaction) => {
        const others = around.entering.size;
        around.entering.add(gid);
        await requireRoom(transaction, branch.transaction, others);
        const done = await operate({ ...branch, name: around.name }, transaction, signal);
        announce({ role: 'participant', step: 'prepare', moment: 'before', ...who });
        return done;
      },
      { signal },
    );
    announce({ role: 'participant', step: 'prepare', moment: 'after', ...who });
    return result;
  } finally {
    around.preparing.delete(gid);
    around.entering.delete(gid);
  }
}

async function operate(
  branch: NewBranch & { readonly name: string },
  transaction: Transaction,
  signal: AbortSignal,
): Promise<Any> {
  const { gid, operation, request, transaction: ref } = branch;
  if (!(await claimBranch(transaction, gid))) throw beingPrepared(branch);
  // Before the work: a branch that was aborted already is to cost nothing.
  if (!(await markCommitted(transaction, gid))) {
    throw new RpcError(Status.ABORTED, `transaction ${ref.id} of ${ref.coordinator} has ended here already`);
  }
  const perform = performer('participant', { transactionId: ref.id, name: branch.name });
  return await perform('operation', () => operation.run(transaction, request, { transaction: ref, signal }));
}

function beingPrepared({ transaction: { id, coordinator } }: NewBranch): RpcError {
  return new RpcError(
    Status.ABORTED,
    `transaction ${id} of ${coordinator} is prepared, or being prepared, here already`,
  );
}

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
async function requireRoom({ one }: Transaction, { coordinator }: CheckedRef, entering: number): Promise<void> {
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
