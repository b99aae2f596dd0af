import type { Database, Transaction } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Random } from '@rondo/rpc/clock';
import { performer } from '../steps.js';
import { contradicts, type Decision, type LogEntry, type LoggedParticipant, logAttempt, logFinished, findEntry, logAborting, logConflictResolved } from './log.js';
import type { Participants } from './participants.js';
import { RpcError, Status } from '@rondo/rpc/status';

/** A transaction of which every participant has confirmed the commit. */
export interface CompletedTransaction {
  readonly id: string;
  readonly subject: string;
}

/** Does what is left once every participant has confirmed, in the database transaction that notes so. It may run again. */
export type Completion = (transaction: Transaction, completed: CompletedTransaction) => Promise<void>;

/** What finishing takes. */
export interface CoordinatorDependencies {
  readonly database: Database;
  readonly participants: Participants;
  readonly random: Random;
  readonly log: Logger;
  readonly completions: Readonly<Record<string, Completion>>;
  readonly onCompleted: () => void;
}

const FIRST_BACKOFF_MS = 100;
/** A decided transaction holds locks elsewhere: whoever comes back is to be told soon. */
const MAX_BACKOFF_MS = 1_000;

/** Tells the decision to those that haven't confirmed it, once; true where all have. */
export async function finish(finishing: CoordinatorDependencies, entry: LogEntry, decision: Decision): Promise<boolean> {
  const participants = await Promise.all(entry.participants.map((one) => sendDecision(finishing, { entry, decision }, one)));
  if (participants.some(({ outcome }) => outcome === '')) {
    await logAttempt(finishing.database, { id: entry.id, participants }, backoffMs(entry.attempts, finishing.random));
    return false;
  }
  const contrary = participants.filter((one) => contradicts(one, decision));
  if (contrary.length > 0) warnOfConflict(finishing.log, entry, { decision, contrary });
  const state = contrary.length > 0 ? 'conflict' : decision;
  await performer('coordinator', { transactionId: entry.id, name: entry.coordinator })('log-finished', () =>
    recordFinished(finishing, entry, { state, participants }),
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
    log.debug({ err: error, transaction: id, service }, "a participant couldn't be told; it will be told again");
    return { service, outcome: '', error: error instanceof Error ? error.message : String(error) };
  }
}

interface Finished {
  readonly state: Decision | 'conflict';
  readonly participants: readonly LoggedParticipant[];
}

/** Who comes second finds it noted, and does nothing. */
async function recordFinished({ database, completions, onCompleted }: CoordinatorDependencies, entry: LogEntry, outcome: Finished) {
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

/** Half of it is chance, so that those that failed together don't come back together. */
function backoffMs(attempts: number, random: Random): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempts, 10));
  return (ceiling * (1 + random.next())) / 2;
}

interface Conflict {
  readonly decision: Decision;
  readonly contrary: readonly LoggedParticipant[];
}

function warnOfConflict(log: Logger, { id, kind, subject }: LogEntry, { decision, contrary }: Conflict): void {
  log.error(
    { transaction: id, kind, subject, decision, contrary },
    `a participant did otherwise than was decided: set it right, then rondo tx resolve ${id}`,
  );
}

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
