import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { Transaction } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import { announce, performer } from '../steps.js';
import type { CheckedRef } from '../transaction-ref.js';
import { requireRoom } from './admit.js';
import { claimBranch, markCommitted } from './branches.js';
import type { ParticipantDependencies } from './end-branch.js';
import type { Operation } from './operation.js';

/** What is to be prepared. */
export interface NewBranch {
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
