import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import type { Database } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { performer } from '../steps.js';
import { type CheckedRef, branchOf, gidPrefix } from '../transaction-ref.js';
import { type EndedBranch, findEnded, markAborted, markHeuristic } from './branches.js';
import type { KnownCoordinators } from './known-coordinators.js';

/** What the calls of a participant share. */
export interface ParticipantDependencies {
  /** The participant's name. */
  readonly name: string;
  readonly database: Database;
  /** The same one, for ending and listing. */
  readonly ending: Database;
  readonly log: Logger;
  readonly clock: Clock;
  readonly onCommitted: () => void;
  /** Whether its coordinator is one that the participant knows. */
  readonly isKnown: (transaction: CheckedRef) => boolean;
  /** Now and then forgets what ended long ago. */
  readonly trimBranches: () => Promise<void>;
  /** What this process prepares now, by its gid: as many as there are calls. */
  readonly preparing: Map<string, AbortController>;
  /** Those of them that have a connection: each may be one prepared transaction more. */
  readonly entering: Set<string>;
}

/** A branch that is to end. */
interface EndingBranch {
  readonly transaction: CheckedRef;
  readonly gid: string;
  /** Whether an operator has decided it. */
  readonly heuristic: boolean;
}

/** Somebody works on the branch: a process that prepares it, or one that ends it. */
const BUSY_PAUSE_MS = 20;

/** Commits what was prepared, and says how the branch has ended. */
export async function commitBranch(around: ParticipantDependencies, branch: EndingBranch, signal: AbortSignal) {
  const { ending, onCommitted, trimBranches } = around;
  const { gid, heuristic, transaction } = branch;
  const perform = performer('participant', { transactionId: transaction.id, name: around.name });
  if (await perform('commit', () => ending.commitPrepared(gid, { signal }))) {
    if (heuristic) await noteHeuristic(around, branch, signal);
    onCommitted();
    await trimBranches();
  }
  return { outcome: outcomeOf(await findEnded(ending, gid, { signal })) };
}

/**
 * Undoes what was prepared, stops what is being prepared, and sees to it that nothing will be; says how the branch has
 * ended.
 */
export async function abortBranch(around: ParticipantDependencies, branch: EndingBranch, signal: AbortSignal) {
  const { ending, clock, preparing } = around;
  const { gid, heuristic, transaction } = branch;
  const perform = performer('participant', { transactionId: transaction.id, name: around.name });
  for (;;) {
    preparing.get(gid)?.abort(abortedMeanwhile(branch));
    const undone = await perform('abort', () => ending.rollbackPrepared(gid, { signal }));
    // Of a coordinator that isn't known, nothing will be prepared: there is nothing to refuse later.
    if (!undone && !around.isKnown(transaction))
      return { outcome: outcomeOf(await findEnded(ending, gid, { signal })) };
    const known = await perform('log-aborted', () => markAborted(ending, { gid, heuristic }, { signal }));
    if (known !== undefined) {
      if (heuristic) around.log.warn({ gid }, 'a branch was aborted by an operator');
      return { outcome: outcomeOf(known) };
    }
    await sleep(clock, BUSY_PAUSE_MS, signal);
  }
}

async function noteHeuristic({ ending, log }: ParticipantDependencies, { gid }: EndingBranch, signal: AbortSignal) {
  log.warn({ gid }, 'a branch was committed by an operator');
  await markHeuristic(ending, gid, { signal });
}

function outcomeOf(known: EndedBranch | undefined): BranchOutcome {
  if (known === undefined) return BranchOutcome.BRANCH_OUTCOME_UNKNOWN;
  return known.outcome === 'committed' ? BranchOutcome.BRANCH_OUTCOME_COMMITTED : BranchOutcome.BRANCH_OUTCOME_ABORTED;
}

function abortedMeanwhile({ transaction: { id, coordinator } }: EndingBranch): RpcError {
  return new RpcError(Status.ABORTED, `transaction ${id} of ${coordinator} was aborted while it was being prepared`);
}

interface InDoubt {
  readonly gid: string;
  readonly transaction: CheckedRef;
}

/**
 * A round that ends branches which stay prepared: of each that was there in the round before, it asks the coordinator, and
 * does what that has decided. A coordinator tells its decisions by itself; this is for what it has forgotten, or never knew.
 */
export function createInquiries(around: ParticipantDependencies, coordinators: KnownCoordinators) {
  let before: ReadonlySet<string> = new Set();
  const warned = new Set<string>();

  async function settle({ gid, transaction }: InDoubt, signal: AbortSignal): Promise<void> {
    const decision = await coordinators.inquire(transaction, signal);
    const branch = { gid, transaction, heuristic: false };
    if (decision === 'committed') await commitBranch(around, branch, signal);
    if (decision === 'aborted') await abortBranch(around, branch, signal);
  }
  function warnOnce({ gid, transaction: { coordinator } }: InDoubt): void {
    if (warned.has(gid)) return;
    warned.add(gid);
    const what = 'a branch is in doubt whose coordinator this participant does not know: name it in the configuration';
    around.log.warn({ gid, coordinator }, `${what}, or end it by rondo tx resolve`);
  }

  return async (signal: AbortSignal): Promise<boolean> => {
    const prepared = await listInDoubt(around, signal);
    const staying = prepared.filter(({ gid }) => before.has(gid));
    before = new Set(prepared.map(({ gid }) => gid));
    for (const gid of warned) if (!before.has(gid)) warned.delete(gid);
    const isKnown = ({ transaction }: InDoubt) => around.isKnown(transaction);
    for (const branch of staying.filter((one) => !isKnown(one))) warnOnce(branch);
    // As many as a server may have prepared.
    const settled = await Promise.allSettled(staying.filter(isKnown).map((branch) => settle(branch, signal)));
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return false;
  };
}

async function listInDoubt({ ending, name }: ParticipantDependencies, signal: AbortSignal): Promise<readonly InDoubt[]> {
  const prepared = await ending.listPrepared(gidPrefix(''), { signal });
  return prepared.flatMap(({ gid }) => {
    const transaction = branchOf(gid, name);
    return transaction === undefined ? [] : [{ gid, transaction }];
  });
}
