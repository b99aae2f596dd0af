import type { Database, Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { createSweep } from '../sweep.js';
import { advance, type SagaDefinition } from './advance.js';
import { type SagaEntry, type SagaRow, claimSagas, trimSagas, insertSaga, listUnfinishedSagas, unpark } from './store.js';

/** What sagas are run with. */
export interface SagasOptions {
  /** The service's own; it has the tables of `transactionsSchema`. */
  readonly database: Database;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** So often a step is tried before an operator has to look; 12 by default, which is some minutes. */
  readonly maxAttempts?: number;
}

/** What is started. */
export interface SagaStart<Input> {
  /** Of one id there is one saga, however often it is started; a new one by default. */
  readonly id?: string;
  /** What it is about, for operators: `orders/7`. */
  readonly subject: string;
  /** Goes through JSON. */
  readonly input: Input;
}

/** A kind of saga that a process runs. */
export interface SagaKind<Input> {
  /** Starts one, once the surrounding transaction is committed; returns its id. Then {@link Sagas.nudge}. */
  start(transaction: Queries, start: SagaStart<Input>): Promise<string>;
}

/** The sagas of a service. */
export interface Sagas {
  /** Makes a kind known, before `start`. @throws TypeError where there is one of that name already. */
  define<Input>(definition: SagaDefinition<Input>): SagaKind<Input>;
  /** Begins to work on what there is, at once and every second: once the tables are there. */
  start(): void;
  /** Looks for work now: after the commit of a transaction that has started one. */
  nudge(): void;
  /** Those that aren't finished. */
  list(signal: AbortSignal): Promise<readonly SagaEntry[]>;
  /** Has one go on that waits for an operator. @throws RpcError `NOT_FOUND` where it isn't there or is finished. */
  retry(id: string, signal: AbortSignal): Promise<SagaEntry>;
  /** Stops after the steps under way; the others go on elsewhere, or after the next start. */
  close(): Promise<void>;
}

const SWEEP_MS = 1_000;
const CLAIMED_AT_ONCE = 20;
const DEFAULT_MAX_ATTEMPTS = 12;
const TRIM_EVERY_ROUNDS = 1_000;
const ID_BYTES = 16;

/** Runs sagas: each step at least once, by whichever replica, until they are done or undone. */
export function createSagas(options: SagasOptions): Sagas {
  const { database, log, clock = systemClock, random = systemRandom, maxAttempts = DEFAULT_MAX_ATTEMPTS } = options;
  const kinds = new Map<string, SagaDefinition<unknown>>();
  const advancing = { database, log, random, maxAttempts };
  let rounds = 0;
  const round = async (signal: AbortSignal): Promise<boolean> => {
    const due = await claimSagas(database, { kinds: [...kinds.keys()], limit: CLAIMED_AT_ONCE }, { signal });
    await Promise.all(
      due.map(async (saga) => {
        const definition = kinds.get(saga.kind);
        if (definition !== undefined) await advance(advancing, { saga, definition }, signal);
      }),
    );
    rounds += 1;
    if (rounds % TRIM_EVERY_ROUNDS === 0) await trimSagas(database, { signal });
    return due.length === CLAIMED_AT_ONCE;
  };
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'sagas', round });
  const toEntry = (row: SagaRow): SagaEntry => ({ ...row, stepName: kinds.get(row.kind)?.steps[row.step]?.name ?? '' });
  return {
    define<Input>(definition: SagaDefinition<Input>): SagaKind<Input> {
      const { kind } = definition;
      if (kinds.has(kind)) throw new TypeError(`there is a saga "${kind}" already`);
      // Only what was started as this kind comes back as it.
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
    async retry(id) {
      const row = await unpark(database, id);
      if (row === undefined) throw new RpcError(Status.NOT_FOUND, `there is no unfinished saga ${id} here`);
      sweep.nudge();
      return toEntry(row);
    },
    close: () => sweep.close(),
  };
}
