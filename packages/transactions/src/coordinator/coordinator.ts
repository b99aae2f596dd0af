import type { Database } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { type Clock, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { createSweep } from '../sweep.js';
import { checkName, type CheckedRef } from '../transaction-ref.js';
import { type Decision, type LogEntry, claimDue, trimFinished, listUnfinished, findEntry } from './log.js';
import { type Completion, type CoordinatorDependencies, finish, resolve } from './finish.js';
import { type Part, createParticipants } from './participants.js';
import { type Committed, type DistributedTransaction, type RunDependencies, runTransaction } from './run.js';
import { RpcError, Status } from '@rondo/rpc/status';

/** What a coordinator is made from. */
export interface CoordinatorOptions {
  /** The service's own; it has the tables of `transactionsSchema`. */
  readonly database: Database;
  /** Names it to participants and operators: 1 to 40 of `A-Z a-z 0-9 . _ -`. The same for all replicas, never changed. */
  readonly name: string;
  /** Reaches the participants. */
  readonly channel: Channel;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** What is left to do, by the kind of a transaction, once all its participants have confirmed. */
  readonly completions?: Readonly<Record<string, Completion>>;
  /** Told that a completion has run, such as to pass changes on. It must not throw. */
  readonly onCompleted?: () => void;
}

/** Coordinates transactions across services, and finishes what others of its name left. */
export interface Coordinator {
  readonly name: string;
  /**
   * Runs a transaction by two-phase commit: all of its parts, or none, whatever process dies at whatever point. It ends
   * when the participants have been told, or within a second or so where they don't answer: those are told later.
   *
   * @throws what a participant refused with, or `local` threw: nothing is done then. `ABORTED`: it took too long.
   * `DatabaseUnavailable`, or an `RpcError` of a call that failed: most likely nothing is done, but where the database went
   * away while it decided, it may be; whoever repeats it has to look first.
   */
  run<const Parts extends readonly Part<unknown>[], T>(
    transaction: DistributedTransaction<Parts, T>,
  ): Promise<Committed<T>>;
  /** Begins to look for what is left to finish, at once and every half a second: once the tables are there. */
  start(): void;
  /** What isn't finished, and what needs somebody, the oldest first. */
  list(signal: AbortSignal): Promise<readonly LogEntry[]>;
  /** What was decided of a participant's part in a transaction; undefined while that is undecided. */
  inquire(inquiry: Inquiry, signal: AbortSignal): Promise<Decision | undefined>;
  /**
   * Does what an operator says of a transaction: aborts one that isn't decided, finishes one that is, or takes a conflict
   * for set right.
   *
   * @throws RpcError `NOT_FOUND`, or `FAILED_PRECONDITION` where that contradicts what was decided.
   */
  resolve(id: string, outcome: Decision, signal: AbortSignal): Promise<LogEntry>;
  /** Waits for what is under way; what is left then is finished by another replica, or after the next start. */
  close(): Promise<void>;
}

/** Beyond these, each round begins with one of as many more. */
const CLAIMED_AT_ONCE = 50;
const SWEEP_MS = 500;
const TRIM_EVERY_ROUNDS = 1_000;

/** Makes a coordinator over the log in the service's database. */
export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { clock = systemClock, random = systemRandom, log, database, channel } = options;
  const { completions = {}, onCompleted = () => undefined } = options;
  const coordinator = checkName('coordinator', options.name);
  const finishing: CoordinatorDependencies = {
    database,
    participants: createParticipants(channel),
    random,
    log,
    completions,
    onCompleted,
  };
  const { track, settled } = createTracker();
  const running: RunDependencies = { ...finishing, coordinator, track };
  const round = recovery(finishing, coordinator);
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'transactions to finish', round });
  return {
    name: coordinator,
    run: (transaction) => runTransaction(running, transaction),
    start: () => sweep.start(),
    list: (signal) => listUnfinished(database, coordinator, { signal }),
    inquire: (inquiry, signal) => inquire({ database, coordinator }, inquiry, signal),
    resolve: (id, outcome, signal) => track(resolve(finishing, { id, outcome }, signal)),
    close: async () => {
      await sweep.close();
      await settled();
    },
  };
}

function recovery(finishing: CoordinatorDependencies, coordinator: string): (signal: AbortSignal) => Promise<boolean> {
  const { database, log } = finishing;
  let rounds = 0;
  return async (signal) => {
    const due = await claimDue(database, { coordinator, limit: CLAIMED_AT_ONCE }, { signal });
    await Promise.all(
      due.map((entry) =>
        finish(finishing, entry, entry.decision ?? 'aborted').catch((err: unknown) =>
          log.warn({ err, transaction: entry.id }, "a transaction couldn't be finished; it is tried again"),
        ),
      ),
    );
    rounds += 1;
    if (rounds % TRIM_EVERY_ROUNDS === 0) await trimFinished(database, { signal });
    return due.length === CLAIMED_AT_ONCE;
  };
}

/** Work that its callers may have left, for whoever closes to wait for. */
function createTracker() {
  const under = new Set<Promise<unknown>>();
  return {
    track<T>(work: Promise<T>): Promise<T> {
      const tracked = work.finally(() => under.delete(tracked));
      under.add(tracked);
      return tracked;
    },
    settled: async () => void (await Promise.allSettled(under)),
  };
}

/** What a participant asks. */
export interface Inquiry {
  readonly transaction: CheckedRef;
  /** The services by which the participant is addressed. */
  readonly services: readonly string[];
}

/** The log that answers. */
interface InquiredLog {
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
async function inquire(
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
