import { backoffMs } from '@rondo/base';
import type { Database, OperatorAudit, Transaction } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Random } from '@rondo/rpc/clock';
import { coordinatorErrors } from '../errors.js';
import { performer } from '../steps.js';
import {
  contradicts,
  type Decision,
  findEntry,
  type LogEntry,
  type LoggedParticipant,
  logAborting,
  logAttempt,
  logConflictResolved,
  logFinished,
} from './log.js';
import type { Participants } from './participants.js';

/** A transaction that every participant has committed. */
export interface CompletedTransaction {
  readonly id: string;
  readonly subject: string;
}

/**
 * Work that remains once every participant has committed. It runs in the database transaction that records this, and
 * may run again.
 */
export type Completion = (transaction: Transaction, completed: CompletedTransaction) => Promise<void>;

export interface CoordinatorDependencies {
  readonly database: Database;
  readonly participants: Participants;
  readonly random: Random;
  readonly log: Logger;
  readonly completions: Readonly<Record<string, Completion>>;
  readonly onCompleted: () => void;
  readonly audit: OperatorAudit | undefined;
}

/** A decided transaction holds locks at its participants: one that is available again must get the decision soon. */
const BACKOFF = { baseMs: 100, maxMs: 1_000 };

/** Sends the decision once to each participant that hasn't confirmed it. Returns whether all have confirmed. */
export async function finish(
  dependencies: CoordinatorDependencies,
  entry: LogEntry,
  decision: Decision,
): Promise<boolean> {
  const participants = await Promise.all(
    entry.participants.map((participant) => sendDecision(dependencies, { entry, decision }, participant)),
  );
  if (participants.some(({ outcome }) => outcome === '')) {
    const delayMs = backoffMs(entry.attempts, { ...BACKOFF, random: dependencies.random });
    await logAttempt(dependencies.database, { id: entry.id, participants }, delayMs);
    return false;
  }
  const contrary = participants.filter((one) => contradicts(one, decision));
  if (contrary.length > 0) warnOfConflict(dependencies.log, entry, { decision, contrary });
  const state = contrary.length > 0 ? 'conflict' : decision;
  await performer('coordinator', { transactionId: entry.id, name: entry.coordinator })('log-finished', () =>
    recordFinished(dependencies, entry, { state, participants }),
  );
  return true;
}

interface Sending {
  readonly entry: LogEntry;
  readonly decision: Decision;
}

async function sendDecision(
  { participants, log }: CoordinatorDependencies,
  { entry: { id, coordinator }, decision }: Sending,
  participant: LoggedParticipant,
): Promise<LoggedParticipant> {
  if (participant.outcome !== '') return participant;
  const { service } = participant;
  const perform = performer('coordinator', { transactionId: id, name: coordinator });
  try {
    const outcome = await perform(decision === 'committed' ? 'send-commit' : 'send-abort', () =>
      participants.sendDecision(service, { coordinator, id }, decision),
    );
    return { service, outcome, error: '' };
  } catch (error) {
    log.debug({ err: error, transaction: id, target: service }, "a participant didn't get the decision; it is resent");
    return { service, outcome: '', error: error instanceof Error ? error.message : String(error) };
  }
}

interface Conclusion {
  readonly state: Decision | 'conflict';
  readonly participants: readonly LoggedParticipant[];
}

/** The log records the end only once: a second caller runs no completion. */
async function recordFinished(
  { database, completions, onCompleted }: CoordinatorDependencies,
  entry: LogEntry,
  outcome: Conclusion,
) {
  const { id, kind, subject } = entry;
  const completion = outcome.state === 'committed' ? completions[kind] : undefined;
  if (completion === undefined) {
    await logFinished(database, id, outcome);
    return;
  }
  await database.transaction(async (transaction) => {
    if (await logFinished(transaction, id, outcome)) await completion(transaction, { id, subject });
  });
  onCompleted();
}

interface Conflict {
  readonly decision: Decision;
  readonly contrary: readonly LoggedParticipant[];
}

function warnOfConflict(log: Logger, { id, kind, subject }: LogEntry, { decision, contrary }: Conflict): void {
  log.error(
    { transaction: id, kind, subject, decision, contrary },
    `a participant contradicts the decision: correct its data, then run rondo tx resolve ${id}`,
  );
}

/**
 * Carries out an operator's decision; returns the transaction's new log entry.
 *
 * @throws RpcError `NOT_FOUND`, or `FAILED_PRECONDITION` if it contradicts the decision.
 */
export async function resolve(
  dependencies: CoordinatorDependencies,
  { id, outcome }: { readonly id: string; readonly outcome: Decision },
  signal: AbortSignal,
): Promise<LogEntry> {
  const { database } = dependencies;
  const entry = await findEntry(database, id, { signal });
  if (entry === undefined) throw coordinatorErrors.UNKNOWN({ id });
  if (entry.state === 'conflict') await resolveConflict(dependencies, entry, outcome);
  else await finishAs(dependencies, entry, outcome);
  return (await findEntry(database, id, { signal })) ?? entry;
}

async function finishAs(dependencies: CoordinatorDependencies, entry: LogEntry, outcome: Decision): Promise<void> {
  if (entry.decision === null && outcome === 'committed')
    throw coordinatorErrors.UNDECIDED({ id: entry.id, expireTime: entry.expireTime.toISOString() });
  const { database, audit } = dependencies;
  const decided = await database.transaction(async (transaction) => {
    const found = entry.decision === null ? await logAborting(transaction, entry.id) : entry;
    if (found?.decision !== outcome)
      throw coordinatorErrors.DECIDED({ id: entry.id, decision: `${(found ?? entry).decision}` });
    await audit?.record(transaction, auditedAs(entry));
    return found;
  });
  if (decided.state !== outcome) await finish(dependencies, decided, outcome);
}

/** An operator has corrected the data by hand: records that, and runs the completion if the outcome is a commit. */
async function resolveConflict(
  { database, completions, onCompleted, audit }: CoordinatorDependencies,
  entry: LogEntry,
  outcome: Decision,
) {
  const { id, kind, subject } = entry;
  const completion = outcome === 'committed' ? completions[kind] : undefined;
  await database.transaction(async (transaction) => {
    if (!(await logConflictResolved(transaction, id, outcome))) return;
    await completion?.(transaction, { id, subject });
    await audit?.record(transaction, auditedAs(entry));
  });
  onCompleted();
}

const auditedAs = ({ id }: LogEntry) => ({ name: `transactions/${id}` });
