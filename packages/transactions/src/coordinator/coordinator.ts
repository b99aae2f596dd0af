import type { Meter } from '@opentelemetry/api';
import { createSweep } from '@rondo/base';
import type { Database, OperatorAudit } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { type Clock, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { inSpan } from '@rondo/rpc/internal';
import { coordinatorErrors } from '../errors.js';
import { meterUnfinished } from '../metrics.js';
import { pruneOld } from '../pruning.js';
import { type CheckedRef, checkName } from '../transaction-ref.js';
import { type Completion, type CoordinatorDependencies, finish, resolve } from './finish.js';
import {
  type Answer,
  claimDue,
  type Decision,
  findEntry,
  type LogEntry,
  listUnfinished,
  markIn,
  readMark,
} from './log.js';
import { createParticipants, type Part } from './participants.js';
import { type Committed, type DistributedTransaction, type RunDependencies, runTransaction } from './run.js';

/** Options of a coordinator. */
export interface CoordinatorOptions {
  /** The service's own database; it has the tables of `transactionsSchema`. */
  readonly database: Database;
  /**
   * The coordinator's name for participants and operators: 1 to 40 of `A-Z a-z 0-9 . _ -`. All replicas share it, and
   * it never changes.
   */
  readonly name: string;
  /** Calls the participants. */
  readonly channel: Channel;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Work that remains once all participants have confirmed, by the kind of a transaction. */
  readonly completions?: Readonly<Record<string, Completion>>;
  /** Called after a completion has run, for example to publish changes. It must not throw. */
  readonly onCompleted?: () => void;
  /** Measures the unfinished transactions: the meter of a service's context. */
  readonly meter?: Meter | undefined;
  /** The service's audit, if it keeps one: it says which operator resolved a transaction. */
  readonly audit?: OperatorAudit | undefined;
}

/** Coordinates transactions across services, and finishes transactions that other replicas of the same name left. */
export interface Coordinator {
  readonly name: string;
  /**
   * Runs a distributed transaction by two-phase commit: all of its parts take effect or none, whichever process crashes
   * at whatever point. It resolves when the participants have confirmed, or after about a second if some don't answer;
   * those get the decision later.
   *
   * @throws the error with which a participant or `local` refused: nothing took effect. `ABORTED`: it took too long.
   *   `DatabaseUnavailable`, or the `RpcError` of a failed call: most likely nothing took effect. If the database
   *   became unavailable during the decision, the transaction may have committed; check before you repeat it.
   */
  run<const Parts extends readonly Part<unknown>[], T>(
    transaction: DistributedTransaction<Parts, T>,
  ): Promise<Committed<T>>;
  /** Starts looking for transactions to finish, at once and then every half second, or every two seconds at rest. Call it once the tables exist. */
  start(): void;
  /** Unfinished transactions and conflicts, the oldest first. */
  list(signal: AbortSignal): Promise<readonly LogEntry[]>;
  /** The answer to a participant's question about its part in a transaction. */
  inquire(inquiry: Inquiry, signal: AbortSignal): Promise<Answer>;
  /**
   * Carries out an operator's decision: aborts an undecided transaction, finishes a decided one, or marks a conflict as
   * resolved.
   *
   * @throws RpcError `NOT_FOUND`, or `FAILED_PRECONDITION` if it contradicts the decision.
   */
  resolve(id: string, outcome: Decision, signal: AbortSignal): Promise<LogEntry>;
  /** Waits for work in progress. Another replica, or the next start, finishes the rest. */
  close(): Promise<void>;
}

/** How many due transactions one round claims. If there are more, the next round starts at once. */
const CLAIMED_AT_ONCE = 50;
/** How soon it looks for transactions to finish after it has found one; at rest twice as long after each look, up to the second. */
const [SWEEP_MS, MAX_SWEEP_MS] = [500, 2_000];

/** Creates a coordinator with its log in the service's database. */
export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { clock = systemClock, random = systemRandom, log, database, channel } = options;
  const { completions = {}, onCompleted = () => undefined } = options;
  const coordinator = checkName('coordinator', options.name);
  meterUnfinished({ meter: options.meter, database, role: 'coordinator', name: coordinator });
  const dependencies: CoordinatorDependencies = {
    database,
    participants: createParticipants(channel),
    random,
    log,
    completions,
    onCompleted,
    audit: options.audit,
  };
  const { track, settled } = createTracker();
  const runDependencies: RunDependencies = { ...dependencies, coordinator, track };
  const pruning = pruneOld('transactions', { database, log, clock, random });
  const round = recovery(dependencies, coordinator);
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'transactions to finish', round });
  return {
    name: coordinator,
    run: (transaction) => runTransaction(runDependencies, transaction),
    start: () => sweep.start(),
    list: (signal) => listUnfinished(database, coordinator, { signal }),
    inquire: (inquiry, signal) => inquire({ database, coordinator }, inquiry, signal),
    resolve: (id, outcome, signal) => track(resolve(dependencies, { id, outcome }, signal)),
    close: async () => {
      await Promise.all([sweep.close(), pruning.close()]);
      await settled();
    },
  };
}

function recovery(
  dependencies: CoordinatorDependencies,
  coordinator: string,
): (signal: AbortSignal) => Promise<true | number> {
  const { database, log } = dependencies;
  let waitMs = SWEEP_MS;
  return async (signal) => {
    const due = await claimDue(database, { coordinator, limit: CLAIMED_AT_ONCE }, { signal });
    waitMs = due.length > 0 ? SWEEP_MS : Math.min(2 * waitMs, MAX_SWEEP_MS);
    await Promise.all(
      due.map((entry) =>
        recover(dependencies, entry).catch((err: unknown) =>
          log.warn({ err, transaction: entry.id }, "a transaction couldn't be finished; it is retried"),
        ),
      ),
    );
    return due.length === CLAIMED_AT_ONCE || waitMs;
  };
}

/** Finishes a transaction that another process, or an earlier attempt, has left. It begins a trace, with a link to the first one. */
function recover(dependencies: CoordinatorDependencies, entry: LogEntry): Promise<boolean> {
  const { id, kind, traceparent: linkTo, decision } = entry;
  const attributes = { 'rondo.transaction.id': id, 'rondo.transaction.kind': kind };
  const span = { name: 'transaction recover', attributes, linkTo };
  return inSpan(span, () => finish(dependencies, entry, decision ?? 'aborted'));
}

/** Tracks work that outlives its callers, so that `close` can wait for it. */
function createTracker() {
  const pending = new Set<Promise<unknown>>();
  return {
    track<T>(work: Promise<T>): Promise<T> {
      const tracked = work.finally(() => pending.delete(tracked));
      pending.add(tracked);
      return tracked;
    },
    settled: async () => void (await Promise.allSettled(pending)),
  };
}

/** A participant's question about a transaction. */
export interface Inquiry {
  readonly transaction: CheckedRef;
  /** The services that address the participant. */
  readonly services: readonly string[];
}

/** The log that holds the decision. */
interface InquiredLog {
  readonly database: Database;
  /** The coordinator's name. */
  readonly coordinator: string;
}

/**
 * The decision on a participant's part in a transaction. A transaction is in the log from before the first Prepare until a week
 * after all participants have confirmed. So a missing transaction was never committed (presumed abort), unless its id has the mark
 * of another log: then this log was restored to a time before the transaction, and the decision is lost.
 *
 * @throws RpcError `FAILED_PRECONDITION` for a transaction of another coordinator.
 */
async function inquire(
  { database, coordinator }: InquiredLog,
  { transaction, services }: Inquiry,
  signal: AbortSignal,
): Promise<Answer> {
  if (transaction.coordinator !== coordinator)
    throw coordinatorErrors.OTHER_COORDINATOR({ ...transaction, name: coordinator });
  const entry = await findEntry(database, transaction.id, { signal });
  if (entry === undefined) {
    const mark = markIn(transaction.id);
    return mark === undefined || mark === (await readMark(database, { signal })) ? 'aborted' : 'unknown';
  }
  const hasPart = entry.participants.some(({ service }) => services.includes(service));
  if (!hasPart || entry.coordinator !== coordinator) return 'aborted';
  return entry.decision ?? '';
}
