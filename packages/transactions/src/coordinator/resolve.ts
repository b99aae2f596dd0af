import { RpcError, Status } from '@rondo/rpc/status';
import type { Decision, LogEntry } from './entry.js';
import { type CoordinatorDependencies, finish } from './finish.js';
import { findEntry, logAborting, logConflictResolved } from './log.js';

/**
 * Does what an operator says of a transaction; returns it as it is then.
 *
 * @throws RpcError `NOT_FOUND`, or `FAILED_PRECONDITION` where that contradicts what was decided.
 */
export async function resolve(
  finishing: CoordinatorDependencies,
  { id, outcome }: { readonly id: string; readonly outcome: Decision },
  signal: AbortSignal,
): Promise<LogEntry> {
  const { database } = finishing;
  const entry = await findEntry(database, id, { signal });
  if (entry === undefined) throw notFound(id);
  if (entry.state === 'conflict') await resolveConflict(finishing, entry, outcome);
  else await finishAs(finishing, entry, outcome);
  return (await findEntry(database, id, { signal })) ?? entry;
}

async function finishAs(finishing: CoordinatorDependencies, entry: LogEntry, outcome: Decision): Promise<void> {
  if (entry.decision === null && outcome === 'committed') throw undecided(entry);
  const decided = entry.decision === null ? await logAborting(finishing.database, entry.id) : entry;
  if (decided === undefined || decided.decision !== outcome) throw alreadyDecided(decided ?? entry);
  if (decided.state !== outcome) await finish(finishing, decided, outcome);
}

/** Somebody has seen to it by hand: what is left to do of a committed one is done. */
async function resolveConflict({ database, completions, onCompleted }: CoordinatorDependencies, entry: LogEntry, outcome: Decision) {
  const { id, kind, subject } = entry;
  const completion = outcome === 'committed' ? completions[kind] : undefined;
  await database.transaction(async (transaction) => {
    if (await logConflictResolved(transaction, id, outcome)) await completion?.(transaction, { id, subject });
  });
  onCompleted();
}

function notFound(id: string): RpcError {
  return new RpcError(Status.NOT_FOUND, `this coordinator has no transaction ${id}; finished ones are kept for a week`);
}

function undecided({ id, expireTime }: LogEntry): RpcError {
  const message = `transaction ${id} is undecided: what its own service has to do isn't done, so it can't be committed`;
  return new RpcError(Status.FAILED_PRECONDITION, `${message}; it is aborted by itself at ${expireTime.toISOString()}`);
}

function alreadyDecided({ id, decision }: LogEntry): RpcError {
  return new RpcError(Status.FAILED_PRECONDITION, `transaction ${id} is decided: it is ${decision}`);
}
