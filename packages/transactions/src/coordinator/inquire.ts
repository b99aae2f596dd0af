import type { Database } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';
import type { CheckedRef } from '../transaction-ref.js';
import type { Decision } from './entry.js';
import { findEntry } from './log.js';

/** What a participant asks. */
export interface Inquiry {
  readonly transaction: CheckedRef;
  /** The services by which the participant is addressed. */
  readonly services: readonly string[];
}

/** The log that answers. */
export interface InquiredLog {
  readonly database: Database;
  /** The coordinator's name. */
  readonly coordinator: string;
}

/**
 * What was decided of a participant's part in a transaction; undefined while that is undecided. A transaction stands in the
 * log before anybody is asked to prepare, and until everybody has confirmed: what isn't there was never committed.
 *
 * @throws RpcError `FAILED_PRECONDITION` for a transaction of another coordinator, of which nothing is known here.
 */
export async function inquire(
  { database, coordinator }: InquiredLog,
  { transaction, services }: Inquiry,
  signal: AbortSignal,
): Promise<Decision | undefined> {
  if (transaction.coordinator !== coordinator) throw anothers(transaction, coordinator);
  const entry = await findEntry(database, transaction.id, { signal });
  const hasPart = entry?.participants.some(({ service }) => services.includes(service)) === true;
  if (!hasPart || entry.coordinator !== coordinator) return 'aborted';
  return entry.decision ?? undefined;
}

function anothers({ id, coordinator }: CheckedRef, name: string): RpcError {
  return new RpcError(
    Status.FAILED_PRECONDITION,
    `transaction.coordinator: must be "${name}", the coordinator that was asked; it is "${coordinator}". Ask that about ${id}`,
  );
}
