import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { Transaction } from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { participantErrors } from '../errors.js';
import { announce, inStep, performer } from '../steps.js';
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
  if (dependencies.preparing.has(gid)) throw participantErrors.PREPARED_BEFORE(branch.transaction);
  dependencies.preparing.set(gid, aborted);
  try {
    const prepare = () =>
      dependencies.preparingDatabase.prepare(
        gid,
        async (transaction) => {
          const others = dependencies.entering.size;
          dependencies.entering.add(gid);
          await requireRoom(transaction, branch.transaction, others);
          const done = await operate({ ...branch, name: dependencies.name }, transaction, signal);
          announce({ role: 'participant', step: 'prepare', moment: 'before', ...actor });
          return done;
        },
        { signal, onStall: currentWorkLimits().onStall },
      );
    const result = await inStep({ role: 'participant', step: 'prepare', ...actor }, prepare);
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
  if (!(await claimBranch(transaction, gid))) throw participantErrors.PREPARED_BEFORE(branch.transaction);
  // Before the work: an aborted branch must cost nothing.
  if (!(await markCommitted(transaction, gid))) throw participantErrors.ENDED_BEFORE(ref);
  const perform = performer('participant', { transactionId: ref.id, name: branch.name });
  return await perform('operation', () => operation.run(transaction, request, { transaction: ref, signal }));
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
    if (asking >= MAX_ASKING) throw participantErrors.TOO_MANY_ASK({ asking });
    asking += 1;
    try {
      const decision = await coordinators.inquire(transaction, signal).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : participantErrors.COORDINATOR_AWAY(transaction, { cause: error });
      });
      if (decision !== undefined) throw participantErrors.NOT_UNDECIDED(transaction);
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
    throw participantErrors.FEW_SLOTS({ used: used + entering, slots });
  }
  if (own + entering >= Math.max(1, Math.floor(slots * COORDINATOR_SHARE))) {
    throw participantErrors.SHARE_FULL({ own: own + entering, coordinator });
  }
}
