import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { createShare, Database, OperatorAudit, Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { participantErrors } from '../errors.js';
import { performer } from '../steps.js';
import { branchOf, type CheckedRef, gidPrefix } from '../transaction-ref.js';
import { type EndedBranch, findEnded, markAborted, markHeuristic } from './branches.js';
import type { KnownCoordinators } from './known-coordinators.js';

export interface ParticipantDependencies {
  /** The participant's name. */
  readonly name: string;
  /** The share of the service's pool that prepares branches. */
  readonly preparingDatabase: ReturnType<typeof createShare>;
  /** The same database through a second pool, for ending and listing branches. */
  readonly endingDatabase: Database;
  readonly log: Logger;
  readonly clock: Clock;
  readonly onCommitted: () => void;
  readonly audit: OperatorAudit | undefined;
  /** Whether the participant knows the transaction's coordinator. */
  readonly isKnown: (transaction: CheckedRef) => boolean;
  /** Branches that this process is preparing, by gid: one per call. */
  readonly preparing: Map<string, AbortController>;
  /** Those of them that have a connection: each may become one more prepared transaction. */
  readonly entering: Set<string>;
}

/** A branch that is to end. */
interface EndingBranch {
  readonly transaction: CheckedRef;
  readonly gid: string;
  /** Whether an operator decided it. */
  readonly heuristic: boolean;
}

/** Pause while another transaction works on the branch: a process prepares it, or ends it. */
const BUSY_PAUSE_MS = 20;

/** Commits a prepared branch; returns how the branch has ended. */
export async function commitBranch(dependencies: ParticipantDependencies, branch: EndingBranch, signal: AbortSignal) {
  const { endingDatabase, onCommitted } = dependencies;
  const { gid, heuristic, transaction } = branch;
  const perform = performer('participant', { transactionId: transaction.id, name: dependencies.name });
  if (heuristic) await auditCommit(dependencies, branch, signal);
  if (await perform('commit', () => endingDatabase.commitPrepared(gid, { signal }))) {
    onCommitted();
    if (heuristic) {
      dependencies.log.warn({ gid }, 'a branch was committed by an operator');
      await markHeuristic(endingDatabase, gid, { signal });
    }
  }
  return { outcome: outcomeOf(await findEnded(endingDatabase, gid, { signal })) };
}

/**
 * Rolls back a prepared branch, stops one that is being prepared, and records the abort so that a later Prepare is
 * refused; returns how the branch has ended.
 */
export async function abortBranch(dependencies: ParticipantDependencies, branch: EndingBranch, signal: AbortSignal) {
  const { endingDatabase, clock, preparing } = dependencies;
  const { gid, heuristic, transaction } = branch;
  const perform = performer('participant', { transactionId: transaction.id, name: dependencies.name });
  for (;;) {
    preparing.get(gid)?.abort(participantErrors.ABORTED_MEANWHILE(branch.transaction));
    const undone = await perform('abort', () => endingDatabase.rollbackPrepared(gid, { signal }));
    // A branch of an unknown coordinator is never prepared, so there is nothing to refuse later.
    if (!undone && !dependencies.isKnown(transaction))
      return { outcome: outcomeOf(await findEnded(endingDatabase, gid, { signal })) };
    const record = heuristic ? auditing(dependencies, branch) : undefined;
    const known = await perform('log-aborted', () =>
      markAborted(endingDatabase, { gid, heuristic, record }, { signal }),
    );
    if (known !== undefined) {
      if (heuristic) dependencies.log.warn({ gid }, 'a branch was aborted by an operator');
      return { outcome: outcomeOf(known) };
    }
    await sleep(clock, BUSY_PAUSE_MS, signal);
  }
}

/** Before the commit, which can't be in one transaction with it: if this fails, the branch is as it was. */
async function auditCommit(dependencies: ParticipantDependencies, branch: EndingBranch, signal: AbortSignal) {
  const { endingDatabase } = dependencies;
  const prepared = await endingDatabase.listPrepared(branch.gid, { signal });
  if (prepared.some(({ gid }) => gid === branch.gid))
    await endingDatabase.transaction(auditing(dependencies, branch), { signal });
}

/** Writes that an operator has ended the branch. */
const auditing =
  ({ audit }: ParticipantDependencies, { transaction: { id } }: EndingBranch) =>
  async (transaction: Queries): Promise<void> =>
    await audit?.record(transaction, { name: `transactions/${id}` });

function outcomeOf(known: EndedBranch | undefined): BranchOutcome {
  if (known === undefined) return BranchOutcome.BRANCH_OUTCOME_UNKNOWN;
  return known.outcome === 'committed' ? BranchOutcome.BRANCH_OUTCOME_COMMITTED : BranchOutcome.BRANCH_OUTCOME_ABORTED;
}

interface InDoubt {
  readonly gid: string;
  readonly transaction: CheckedRef;
}

const UNKNOWN =
  'the coordinator of an in-doubt branch is unknown to this participant: name it in the configuration, or';
const LOST =
  'the database of a coordinator was restored to a time before the transaction of an in-doubt branch: compare the data of both services, then';

/**
 * Creates a sweep round that ends branches which stay prepared. For each branch that was there in the round before, it
 * asks the coordinator and carries out the decision. Coordinators normally send their decisions themselves; this covers
 * transactions that a coordinator never had, and decisions that it couldn't send. A branch whose decision a coordinator has lost
 * stays for an operator.
 */
export function createInquiries(dependencies: ParticipantDependencies, coordinators: KnownCoordinators) {
  let before: ReadonlySet<string> = new Set();
  const warned = new Set<string>();

  async function settle({ gid, transaction }: InDoubt, signal: AbortSignal): Promise<void> {
    const decision = await coordinators.inquire(transaction, signal);
    const branch = { gid, transaction, heuristic: false };
    if (decision === 'committed') await commitBranch(dependencies, branch, signal);
    if (decision === 'aborted') await abortBranch(dependencies, branch, signal);
    if (decision === 'unknown') warnOnce({ gid, transaction }, LOST);
  }
  function warnOnce({ gid, transaction: { coordinator } }: InDoubt, what: string): void {
    if (warned.has(gid)) return;
    warned.add(gid);
    dependencies.log.warn({ gid, coordinator }, `${what} end the branch by rondo tx resolve`);
  }

  return async (signal: AbortSignal): Promise<void> => {
    const prepared = await listInDoubt(dependencies, signal);
    const remaining = prepared.filter(({ gid }) => before.has(gid));
    before = new Set(prepared.map(({ gid }) => gid));
    for (const gid of warned) if (!before.has(gid)) warned.delete(gid);
    const isKnown = ({ transaction }: InDoubt) => dependencies.isKnown(transaction);
    for (const branch of remaining.filter((one) => !isKnown(one))) warnOnce(branch, UNKNOWN);
    // At most as many as the server may have prepared.
    const settled = await Promise.allSettled(remaining.filter(isKnown).map((branch) => settle(branch, signal)));
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
}

async function listInDoubt(
  { endingDatabase, name }: ParticipantDependencies,
  signal: AbortSignal,
): Promise<readonly InDoubt[]> {
  const prepared = await endingDatabase.listPrepared(gidPrefix(''), { signal });
  return prepared.flatMap(({ gid }) => {
    const transaction = branchOf(gid, name);
    return transaction === undefined ? [] : [{ gid, transaction }];
  });
}
