import { type Database, DatabaseUnavailable, type QueryOptions, type Transaction } from '@rondo/database';
import { currentWorkLimits, runOutsideScope } from '@rondo/rpc/call';
import { currentTrace } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { coordinatorErrors } from '../errors.js';
import { type Perform, performer } from '../steps.js';
import { type CoordinatorDependencies, finish } from './finish.js';
import { findEntry, logAborting, logCommitting, logPreparing, readMark } from './log.js';
import type { Part, ResultsOf } from './participants.js';

/** A transaction across services. */
export interface DistributedTransaction<Parts extends readonly Part<unknown>[], T> {
  /** Its purpose, such as `accept-quote`. It selects the completion, also after a restart. */
  readonly kind: string;
  /** Its subject, such as `quotes/7`, for its completion and for operators. */
  readonly subject: string;
  /**
   * The parts of other services, at most one per service. They are prepared one after the other, ordered by service
   * name.
   */
  readonly participants: Parts;
  /**
   * The service's own part. It runs once all others are prepared, in the database transaction that decides. If it
   * throws, everything is rolled back and the error is rethrown. It may run more than once because of conflicts with
   * concurrent transactions. In a call with an idempotency key it returns the reply, which is stored with the decision.
   */
  readonly local: (transaction: Transaction, results: ResultsOf<Parts>) => Promise<T>;
  /** It is aborted if it isn't decided within this time; 2,000 by default. */
  readonly timeoutMs?: number;
}

/** A committed transaction. */
export interface Committed<T> {
  readonly id: string;
  /** The value that `local` returned. */
  readonly value: T;
  /**
   * Whether every participant has confirmed and the completion has run. Otherwise the coordinator finishes it later.
   */
  readonly finished: boolean;
}

/** What a run needs besides {@link CoordinatorDependencies}. */
export interface RunDependencies extends CoordinatorDependencies {
  readonly coordinator: string;
  /** Makes `close` wait for `work`. */
  track<T>(work: Promise<T>): Promise<T>;
}

const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_TIMEOUT_MS = 60_000;
const ID_BYTES = 16;

interface Run {
  readonly id: string;
  readonly perform: Perform<'coordinator'>;
  readonly timeoutMs: number;
  readonly limits: Pick<QueryOptions, 'signal' | 'onStall'>;
  /** When its time is over, by `performance.now()`. */
  readonly endsAt: number;
}

/** Prepares, decides and sends the decision; the contract is `Coordinator.run`. */
export async function runTransaction<const Parts extends readonly Part<unknown>[], T>(
  dependencies: RunDependencies,
  transaction: DistributedTransaction<Parts, T>,
): Promise<Committed<T>> {
  const { once, signal, onStall } = currentWorkLimits();
  const limits = { signal, onStall };
  const run = begin(dependencies, transaction, { mark: await readMark(dependencies.database, limits), limits });
  const { id, perform, timeoutMs } = run;
  const services = transaction.participants.map(({ service }) => service);
  const { coordinator, database } = dependencies;
  const { kind, subject } = transaction;
  const entry = { id, coordinator, kind, subject, services, timeoutMs, traceparent: currentTrace() };
  await perform('log-preparing', () => logPreparing(database, entry, limits));
  // Kept outside: the commit may succeed even if its reply is lost.
  let decided: { readonly value: T } | undefined;
  try {
    const results = await prepareAll(dependencies, run, transaction.participants);
    await perform('log-committing', () =>
      database.transaction(
        async (local) => {
          decided = undefined;
          if (!(await logCommitting(local, id))) throw coordinatorErrors.EXPIRED({ id, timeoutMs: run.timeoutMs });
          const value = await transaction.local(local, results as ResultsOf<Parts>);
          decided = { value };
          return value;
        },
        { ...limits, once },
      ),
    );
  } catch (error) {
    const cause = outageBehind(error, run, database);
    const committed = await abortRun(dependencies, run);
    if (!committed || decided === undefined) throw cause ?? error;
  }
  if (decided === undefined) throw new Error('a decision was made without its work');
  const finished = await sendCommit(dependencies, run);
  return { id, value: decided.value, finished };
}

function begin(
  { random, coordinator }: RunDependencies,
  {
    participants,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  }: Pick<DistributedTransaction<readonly Part<unknown>[], unknown>, 'participants' | 'timeoutMs'>,
  { mark, limits }: Pick<Run, 'limits'> & { readonly mark: string },
): Run {
  const services = participants.map(({ service }) => service);
  if (services.length === 0 || new Set(services).size < services.length) {
    throw new TypeError(
      `a transaction has one part for each of its participants, at least one; it has ${services.join(', ') || 'none'}`,
    );
  }
  if (!(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new TypeError(`timeoutMs must be from 1 to ${MAX_TIMEOUT_MS}; it is ${timeoutMs}`);
  }
  const id = `${mark}-${random.hex(ID_BYTES)}`;
  return {
    id,
    perform: performer('coordinator', { transactionId: id, name: coordinator }),
    timeoutMs,
    limits,
    endsAt: performance.now() + timeoutMs,
  };
}

/** What to throw instead of an error if an outage of the database took the transaction's time: no other transaction was in the way. */
function outageBehind(error: unknown, { endsAt }: Run, { outage }: Database): DatabaseUnavailable | undefined {
  const isLate = error instanceof RpcError && error.code === Status.ABORTED && performance.now() >= endsAt;
  if (!isLate || !outage.heldUp) return undefined;
  return new DatabaseUnavailable(`PostgreSQL was away while the transaction had time: ${error.message}`, error);
}

/**
 * Prepares one participant after the other, in the same order everywhere: transactions that share two participants wait
 * for each other instead of deadlocking.
 */
async function prepareAll({ participants, coordinator }: RunDependencies, run: Run, parts: readonly Part<unknown>[]) {
  const { id, perform, timeoutMs } = run;
  const { signal } = run.limits;
  const results: unknown[] = Array(parts.length).fill(undefined);
  const ordered = [...parts.entries()].sort(([, a], [, b]) => (a.service < b.service ? -1 : 1));
  for (const [index, { service, operation, readResult }] of ordered) {
    const branch = { transaction: { coordinator, id }, operation };
    const result = await perform('send-prepare', () => participants.prepare(service, branch, { timeoutMs, signal }));
    results[index] = readResult(result);
  }
  return results;
}

/**
 * Aborts and sends that decision at once; resolves to true if the transaction turns out to be committed. A sweep does
 * what fails now.
 */
function abortRun(dependencies: RunDependencies, { id, perform }: Run): Promise<boolean> {
  const work = async () => {
    try {
      const entry = await perform('log-aborting', () => logAborting(dependencies.database, id));
      if (entry === undefined || entry.decision === null) return false;
      if (entry.decision === 'committed') return true;
      await finish(dependencies, entry, 'aborted');
    } catch (error) {
      dependencies.log.warn(
        { err: error, transaction: id },
        "a transaction couldn't be aborted now; a sweep will abort it",
      );
    }
    return false;
  };
  return dependencies.track(runOutsideScope(work));
}

function sendCommit(dependencies: RunDependencies, { id }: Run): Promise<boolean> {
  const work = async () => {
    try {
      const entry = await findEntry(dependencies.database, id);
      if (entry === undefined) return false;
      return entry.state === 'committed' || (await finish(dependencies, entry, 'committed'));
    } catch (error) {
      dependencies.log.warn({ err: error, transaction: id }, "a decision couldn't be sent now; a sweep will send it");
      return false;
    }
  };
  return dependencies.track(runOutsideScope(work));
}
