import type { Transaction } from '@rondo/database';
import { currentScope, runOutsideScope } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { type Perform, performer } from '../steps.js';
import { type CoordinatorDependencies, finish } from './finish.js';
import { findEntry, logAborting, logCommitting, logPreparing } from './log.js';
import type { Part, ResultsOf } from './participants.js';

/** A transaction across services. */
export interface DistributedTransaction<Parts extends readonly Part<unknown>[], T> {
  /** What it is for, such as `accept-quote`: it finds its completion by that, also after a restart. */
  readonly kind: string;
  /** What it is about, such as `quotes/7`: for its completion, and for operators. */
  readonly subject: string;
  /** What others do, each of another service: prepared one after the other, by the services' names. */
  readonly participants: Parts;
  /**
   * The service's own part, once all others are prepared, in the database transaction that decides. What it throws is
   * thrown, and all is undone everywhere. It may run more than once, where concurrent transactions win.
   */
  readonly local: (transaction: Transaction, results: ResultsOf<Parts>) => Promise<T>;
  /** It is aborted where it isn't decided by then; 2,000 by default. */
  readonly timeoutMs?: number;
}

/** What came of a transaction that is decided. */
export interface Committed<T> {
  readonly id: string;
  /** What `local` returned. */
  readonly value: T;
  /** Whether every participant has confirmed, and the completion has run; what hasn't will, by itself. */
  readonly finished: boolean;
}

/** What a run takes beside what finishing takes. */
export interface RunDependencies extends CoordinatorDependencies {
  readonly coordinator: string;
  /** Counts it among what a close waits for. */
  track<T>(work: Promise<T>): Promise<T>;
}

const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_TIMEOUT_MS = 60_000;
const ID_BYTES = 16;

interface Run {
  readonly id: string;
  readonly perform: Perform<'coordinator'>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Prepares, decides, and tells: see `Coordinator.run`. */
export async function runTransaction<const Parts extends readonly Part<unknown>[], T>(
  running: RunDependencies,
  transaction: DistributedTransaction<Parts, T>,
): Promise<Committed<T>> {
  const run = begin(running, transaction);
  const { id, perform, signal, timeoutMs } = run;
  const services = transaction.participants.map(({ service }) => service);
  const { coordinator, database } = running;
  const entry = { id, coordinator, kind: transaction.kind, subject: transaction.subject, services, timeoutMs };
  await perform('log-preparing', () => logPreparing(database, entry, { signal }));
  // Kept here, too: the decision may be made though its answer is lost.
  let decided: { readonly value: T } | undefined;
  try {
    const results = await prepareAll(running, run, transaction.participants);
    await perform('log-committing', () =>
      database.transaction(
        async (local) => {
          decided = undefined;
          if (!(await logCommitting(local, id))) throw expired(run);
          decided = { value: await transaction.local(local, results as ResultsOf<Parts>) };
        },
        { signal },
      ),
    );
  } catch (error) {
    const committed = await abortRun(running, run);
    if (!committed || decided === undefined) throw error;
  }
  if (decided === undefined) throw new Error('a decision was made without its work');
  const finished = await sendCommit(running, run);
  return { id, value: decided.value, finished };
}

function begin(
  { random, coordinator }: RunDependencies,
  {
    participants,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  }: Pick<DistributedTransaction<readonly Part<unknown>[], unknown>, 'participants' | 'timeoutMs'>,
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
  const id = random.hex(ID_BYTES);
  return {
    id,
    perform: performer('coordinator', { transactionId: id, name: coordinator }),
    timeoutMs,
    signal: currentScope()?.signal,
  };
}

/** One after the other, in the same order everywhere: transactions that meet at two participants wait, and don't deadlock. */
async function prepareAll({ participants, coordinator }: RunDependencies, run: Run, parts: readonly Part<unknown>[]) {
  const { id, perform, timeoutMs, signal } = run;
  const results: unknown[] = Array(parts.length).fill(undefined);
  const ordered = [...parts.entries()].sort(([, a], [, b]) => (a.service < b.service ? -1 : 1));
  for (const [index, { service, operation, readResult }] of ordered) {
    const branch = { transaction: { coordinator, id }, operation };
    const result = await perform('send-prepare', () => participants.prepare(service, branch, { timeoutMs, signal }));
    results[index] = readResult(result);
  }
  return results;
}

/** Aborts, and tells so at once; true where it turns out to have been committed. What can't be done now, a sweep does. */
function abortRun(running: RunDependencies, { id, perform }: Run): Promise<boolean> {
  const work = async () => {
    try {
      const entry = await perform('log-aborting', () => logAborting(running.database, id));
      if (entry === undefined || entry.decision === null) return false;
      if (entry.decision === 'committed') return true;
      await finish(running, entry, 'aborted');
    } catch (error) {
      running.log.warn({ err: error, transaction: id }, "a transaction couldn't be aborted now; a sweep will");
    }
    return false;
  };
  return running.track(runOutsideScope(work));
}

function sendCommit(running: RunDependencies, { id }: Run): Promise<boolean> {
  const work = async () => {
    try {
      const entry = await findEntry(running.database, id);
      if (entry === undefined) return false;
      return entry.state === 'committed' || (await finish(running, entry, 'committed'));
    } catch (error) {
      running.log.warn({ err: error, transaction: id }, "a decision couldn't be told now; a sweep will");
      return false;
    }
  };
  return running.track(runOutsideScope(work));
}

function expired({ id, timeoutMs }: Run): RpcError {
  return new RpcError(
    Status.ABORTED,
    `transaction ${id} was not decided within ${timeoutMs} ms and was aborted; try again`,
  );
}
