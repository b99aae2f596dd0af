import { createSweep } from '@rondo/base';
import type { Database, OperatorAudit, Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { transactionErrors } from '../errors.js';
import { pruneOld } from '../pruning.js';
import { advance, namesOfSteps, type SagaDefinition } from './advance.js';
import {
  claimSagas,
  insertSaga,
  type KnownSteps,
  type ListedSaga,
  listUnfinishedSagas,
  type SagaEntry,
  type SagaRow,
  unpark,
} from './store.js';

/** Options of a service's sagas. */
export interface SagasOptions {
  /** The service's own database; it has the tables of `transactionsSchema`. */
  readonly database: Database;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** How often a step is tried before the saga waits for an operator; 12 by default, which takes about two minutes. */
  readonly maxAttempts?: number;
  /** The service's audit, if it keeps one: it says which operator resumed a saga. */
  readonly audit?: OperatorAudit | undefined;
}

/** The start of a saga. */
export interface SagaStart<Input> {
  /** A saga with the same id starts only once; random by default. */
  readonly id?: string;
  /** Its subject for operators, such as `orders/7`. */
  readonly subject: string;
  /** It goes through JSON. */
  readonly input: Input;
}

/** A kind of saga that this process runs. */
export interface SagaKind<Input> {
  /**
   * Starts a saga when the surrounding transaction commits; returns its id. Call {@link Sagas.nudge} after the commit.
   */
  start(transaction: Queries, start: SagaStart<Input>): Promise<string>;
}

/** The sagas of a service: the next minor version has none. Store a job in the transaction instead. */
export interface Sagas {
  /**
   * Registers a kind; call it before `start`.
   *
   * @throws TypeError if the kind is registered already, two steps have the same name, or a step may take longer than 8 s.
   */
  define<Input>(definition: SagaDefinition<Input>): SagaKind<Input>;
  /** Starts working on sagas, at once and then every second, or every four seconds at rest. Call it once the tables exist. */
  start(): void;
  /** Looks for work now. Call it after the commit of a transaction that started a saga. */
  nudge(): void;
  /** The unfinished sagas. */
  list(signal: AbortSignal): Promise<readonly SagaEntry[]>;
  /**
   * Resumes a saga that waits for an operator. If this process has other steps, the saga waits for a process with its steps.
   *
   * @throws RpcError `NOT_FOUND` if it doesn't exist or is finished.
   */
  retry(id: string, signal: AbortSignal): Promise<SagaEntry>;
  /** Stops after the current steps. Another replica, or the next start, continues the sagas. */
  close(): Promise<void>;
}

/** How soon it looks for sagas after it has found one; at rest twice as long after each look, up to the second. */
const [SWEEP_MS, MAX_SWEEP_MS] = [1_000, 4_000];
/** How often sagas that wait for other steps are logged. */
const REPORT_MS = 60_000;
const RUN_AT_ONCE = 20;
const DEFAULT_MAX_ATTEMPTS = 12;
const ID_BYTES = 16;

/** Runs sagas, if a kind is defined: each step at least once, by any replica, until the saga is done or compensated. */
export function createSagas(options: SagasOptions): Sagas {
  const { database, log, audit, maxAttempts = DEFAULT_MAX_ATTEMPTS } = options;
  const { clock = systemClock, random = systemRandom } = options;
  const kinds = new Map<string, SagaDefinition<unknown>>();
  const dependencies = { database, log, random, maxAttempts };
  const pruning = pruneOld('sagas', { database, log, clock, random });
  const known: KnownSteps[] = [];
  const running = new Map<string, Promise<void>>();
  let waitMs = SWEEP_MS;
  const round = async (signal: AbortSignal): Promise<number> => {
    const limit = RUN_AT_ONCE - running.size;
    const due = await claimSagas(database, { known, limit, running: [...running.keys()] }, { signal });
    waitMs = due.length + running.size > 0 ? SWEEP_MS : Math.min(2 * waitMs, MAX_SWEEP_MS);
    for (const saga of due) {
      const definition = kinds.get(saga.kind);
      if (definition === undefined) continue;
      const ended = advance(dependencies, { saga, definition }, signal)
        .catch((err: unknown) =>
          log.warn({ err, saga: saga.id }, "the state of a saga couldn't be stored; its step is tried again"),
        )
        .finally(() => {
          if (running.size === RUN_AT_ONCE) sweep.nudge();
          running.delete(saga.id);
        });
      running.set(saga.id, ended);
    }
    return waitMs;
  };
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'sagas', round });
  const report = async (signal: AbortSignal): Promise<boolean> => {
    const waiting = (await listUnfinishedSagas(database, { known }, { signal })).filter(({ fits }) => !fits);
    const reasons = new Map(waiting.map((saga) => [`${saga.kind} wait: ${reasonOf(saga, kinds)}`, saga.id]));
    for (const [reason, saga] of reasons) log.warn({ saga }, `sagas of the kind ${reason}; rondo tx ls lists them`);
    return false;
  };
  const reports = createSweep({ intervalMs: REPORT_MS, clock, log, name: 'sagas of other steps', round: report });
  const toEntry = ({ fits, ...row }: ListedSaga): SagaEntry => {
    const stepName = row.steps?.[row.step] ?? kinds.get(row.kind)?.steps[row.step]?.name ?? '';
    if (fits) return { ...row, stepName };
    const error = [reasonOf(row, kinds), row.error].filter((text) => text !== '').join('; ');
    return { ...row, stepName, parked: true, error };
  };
  return {
    define<Input>(definition: SagaDefinition<Input>): SagaKind<Input> {
      const { kind } = definition;
      if (kinds.has(kind)) throw new TypeError(`there is a saga "${kind}" already`);
      const steps = namesOfSteps(definition);
      known.push({ kind, steps });
      // A row of this kind has input of this kind.
      kinds.set(kind, definition as SagaDefinition<unknown>);
      return {
        async start(transaction, { id = random.hex(ID_BYTES), subject, input }) {
          await insertSaga(transaction, { id, kind, steps, subject, input });
          return id;
        },
      };
    },
    start() {
      if (known.length === 0) return;
      log.info({ kinds: [...kinds.keys()] }, 'the next minor version of Rondo has no sagas: store jobs instead');
      sweep.start();
      reports.start();
    },
    nudge: () => sweep.nudge(),
    list: async (signal) => (await listUnfinishedSagas(database, { known }, { signal })).map(toEntry),
    async retry(id, signal) {
      const row = await database.transaction(
        async (transaction) => {
          await unpark(transaction, id);
          const [resumed] = await listUnfinishedSagas(transaction, { known, id });
          if (resumed === undefined) throw transactionErrors.NO_SAGA({ id });
          await audit?.record(transaction, { name: `sagas/${id}` });
          return resumed;
        },
        { signal },
      );
      sweep.nudge();
      return toEntry(row);
    },
    async close() {
      await Promise.all([sweep.close(), reports.close(), pruning.close()]);
      await Promise.all(running.values());
    },
  };
}

/** Why this process doesn't run a saga. */
function reasonOf({ kind, steps }: SagaRow, kinds: ReadonlyMap<string, SagaDefinition<unknown>>): string {
  const own = kinds
    .get(kind)
    ?.steps.map(({ name }) => name)
    .join(', ');
  const remedy = 'run a version with its steps until it is finished';
  if (own === undefined) return `this version has no saga of its kind: ${remedy}`;
  return steps === null
    ? `an earlier version began it, and what it did contradicts this version's steps ${own}: ${remedy}`
    : `it began with the steps ${steps.join(', ')}, and this version has ${own}: ${remedy}`;
}
