import type { Database, OperatorAudit, Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { createSweep } from '@rondo/rpc/internal';
import { transactionErrors } from '../errors.js';
import { createPruning } from '../pruning.js';

import { advance, type SagaDefinition } from './advance.js';
import {
  claimSagas,
  insertSaga,
  listUnfinishedSagas,
  pruneSagas,
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

/** The sagas of a service. */
export interface Sagas {
  /**
   * Registers a kind; call it before `start`.
   *
   * @throws TypeError if the kind is registered already.
   */
  define<Input>(definition: SagaDefinition<Input>): SagaKind<Input>;
  /** Starts working on sagas, at once and every second. Call it once the tables exist. */
  start(): void;
  /** Looks for work now. Call it after the commit of a transaction that started a saga. */
  nudge(): void;
  /** The unfinished sagas. */
  list(signal: AbortSignal): Promise<readonly SagaEntry[]>;
  /**
   * Resumes a saga that waits for an operator.
   *
   * @throws RpcError `NOT_FOUND` if it doesn't exist or is finished.
   */
  retry(id: string, signal: AbortSignal): Promise<SagaEntry>;
  /** Stops after the current steps. Another replica, or the next start, continues the sagas. */
  close(): Promise<void>;
}

const SWEEP_MS = 1_000;
const CLAIMED_AT_ONCE = 20;
const DEFAULT_MAX_ATTEMPTS = 12;
const ID_BYTES = 16;

/** Runs sagas: each step at least once, by any replica, until the saga is done or compensated. */
export function createSagas(options: SagasOptions): Sagas {
  const {
    database,
    log,
    audit,
    clock = systemClock,
    random = systemRandom,
    maxAttempts = DEFAULT_MAX_ATTEMPTS,
  } = options;
  const kinds = new Map<string, SagaDefinition<unknown>>();
  const dependencies = { database, log, random, maxAttempts };
  const prune = createPruning(clock, (limit, signal) => pruneSagas(database, limit, { signal }));
  const round = async (signal: AbortSignal): Promise<boolean> => {
    const due = await claimSagas(database, { kinds: [...kinds.keys()], limit: CLAIMED_AT_ONCE }, { signal });
    await Promise.all(
      due.map(async (saga) => {
        const definition = kinds.get(saga.kind);
        if (definition === undefined) return;
        // The round waits for the others, too.
        await advance(dependencies, { saga, definition }, signal).catch((err: unknown) =>
          log.warn({ err, saga: saga.id }, "the state of a saga couldn't be stored; its step is tried again"),
        );
      }),
    );
    return (await prune(signal)) || due.length === CLAIMED_AT_ONCE;
  };
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'sagas', round });
  const toEntry = (row: SagaRow): SagaEntry => ({ ...row, stepName: kinds.get(row.kind)?.steps[row.step]?.name ?? '' });
  return {
    define<Input>(definition: SagaDefinition<Input>): SagaKind<Input> {
      const { kind } = definition;
      if (kinds.has(kind)) throw new TypeError(`there is a saga "${kind}" already`);
      // A row of this kind has input of this kind.
      kinds.set(kind, definition as SagaDefinition<unknown>);
      return {
        async start(transaction, { id = random.hex(ID_BYTES), subject, input }) {
          await insertSaga(transaction, { id, kind, subject, input });
          return id;
        },
      };
    },
    start: () => sweep.start(),
    nudge: () => sweep.nudge(),
    list: async (signal) => (await listUnfinishedSagas(database, { signal })).map(toEntry),
    async retry(id, signal) {
      const row = await database.transaction(
        async (transaction) => {
          const resumed = await unpark(transaction, id);
          if (resumed === undefined) throw transactionErrors.NO_SAGA({ id });
          await audit?.record(transaction, { name: `sagas/${id}` });
          return resumed;
        },
        { signal },
      );
      sweep.nudge();
      return toEntry(row);
    },
    close: () => sweep.close(),
  };
}
