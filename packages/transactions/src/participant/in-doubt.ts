import { branchOf, type CheckedRef, gidPrefix } from '../transaction-ref.js';
import { abortBranch, commitBranch, type ParticipantDependencies } from './end-branch.js';
import type { KnownCoordinators } from './known-coordinators.js';

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
