import { ParticipantServiceDefinition, type PrepareRequest } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { type Database, requirePreparedTransactions, DatabaseUnavailable, LockTimeout, SerializationFailure, StatementTimeout, sqlStateOf } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { invalidArgument, RpcError, Status } from '@rondo/rpc/status';
import { createSweep } from '../sweep.js';
import { branchOf, type CheckedRef, checkName, gidOf, gidPrefix, readRef } from '../transaction-ref.js';
import { createAdmission, prepareBranch } from './prepare-branch.js';
import { createBranchTrim } from './branches.js';
import { abortBranch, commitBranch, type ParticipantDependencies, createInquiries } from './end-branch.js';
import type { KnownCoordinators } from './known-coordinators.js';
import { type Operation, typeOf } from './operation.js';

/** What a participant is made from. */
export interface ParticipantOptions {
  /** The service's own; it has the tables of `transactionsSchema`. */
  readonly database: Database;
  /**
   * The same database by a pool of its own, of two connections or so, by which branches are ended and listed. What waits
   * for rows that a prepared branch holds may take every connection of `database`, and the end of that branch is what
   * they wait for. `database` by default.
   */
  readonly ending?: Database;
  /** Names it among those that share a database, and to operators: 1 to 40 of `A-Z a-z 0-9 . _ -`. Never changed. */
  readonly name: string;
  /** In whose transactions it takes part; all others are refused before anything is locked. */
  readonly coordinators: KnownCoordinators;
  /** What it does in others' transactions. */
  readonly operations: readonly Operation[];
  readonly log: Logger;
  readonly clock?: Clock;
  /** Told that something was committed here, such as to pass changes on. It must not throw. */
  readonly onCommitted?: () => void;
}

/** A service's side of others' transactions. */
export interface Participant {
  /** To be served beside the service's own. */
  readonly service: ServiceImplementation;
  /** Makes sure that the database prepares transactions: a part of the service's readiness. */
  check(signal: AbortSignal): Promise<void>;
  /** Begins to ask coordinators about branches that stay prepared, every second: once the tables are there. */
  start(): void;
  /** Ends that; what is still prepared is asked about by another replica, or after the next start. */
  close(): Promise<void>;
}

const MAX_LISTED = 1_000;
/** A branch that is prepared is asked about after one to two of these. */
const SWEEP_MS = 1_000;

/** Makes a participant over PostgreSQL's prepared transactions. */
export function createParticipant(options: ParticipantOptions): Participant {
  const { database, ending = database, coordinators, log, clock = systemClock } = options;
  const { onCommitted = () => undefined } = options;
  const name = checkName('participant', options.name);
  const operations = new Map(options.operations.map((operation) => [operation.requestType, operation]));
  const around: ParticipantDependencies = {
    name,
    database,
    ending,
    log,
    clock,
    onCommitted,
    isKnown: ({ coordinator }) => coordinators.knows(coordinator),
    trimBranches: createBranchTrim(ending, log),
    preparing: new Map(),
    entering: new Set(),
  };

  const admit = createAdmission(coordinators);
  const round = createInquiries(around, coordinators);
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'branches in doubt', round });

  const handlers = {
    async prepare(request: PrepareRequest, { signal }: { readonly signal: AbortSignal }) {
      const transaction = readRef(request.transaction);
      const operation = operations.get(typeOf(request.operation));
      if (operation === undefined || request.operation === undefined) throw unknownOperation(request, operations);
      const branch = { transaction, gid: gidOf(transaction, name), operation, request: request.operation };
      await admit(transaction, signal);
      return { result: await asStatus(prepareBranch(around, branch, signal)) };
    },
    commit: (request: EndRequest, call: { readonly signal: AbortSignal }) =>
      asStatus(commitBranch(around, toEnd(request, name), call.signal)),
    abort: (request: EndRequest, call: { readonly signal: AbortSignal }) =>
      asStatus(abortBranch(around, toEnd(request, name), call.signal)),
    async listInDoubt({ coordinator }: { readonly coordinator: string }, { signal }: { readonly signal: AbortSignal }) {
      const prepared = await asStatus(ending.listPrepared(gidPrefix(coordinator), { signal }));
      const branches = prepared.flatMap(({ gid, prepareTime }) => {
        const transaction = branchOf(gid, name);
        return transaction === undefined ? [] : [{ transaction, prepareTime }];
      });
      return { participant: name, branches: branches.slice(0, MAX_LISTED) };
    },
  };
  return {
    service: implement(ParticipantServiceDefinition, handlers),
    check: (signal) => requirePreparedTransactions(database, { signal }),
    start: () => sweep.start(),
    close: () => sweep.close(),
  };
}

interface EndRequest {
  readonly transaction?: CheckedRef | undefined;
  readonly heuristic: boolean;
}

function toEnd({ transaction, heuristic }: EndRequest, participant: string) {
  const ref = readRef(transaction);
  return { transaction: ref, gid: gidOf(ref, participant), heuristic };
}

function unknownOperation({ operation }: PrepareRequest, known: ReadonlyMap<string, Operation>) {
  const names = [...known.keys()].join(', ') || 'none';
  const description = `must be of a type that there is an operation for (${names}); it is "${typeOf(operation)}"`;
  return invalidArgument([{ field: 'operation', description }]);
}

/** SQLSTATE of PREPARE TRANSACTION where as many are prepared as the server was set up for. */
const NO_SLOT = '53200';

/** Settles as `work` does; what the database failed with becomes a status that a coordinator can act on. */
async function asStatus<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toRpcError(error);
  }
}

function toRpcError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) {
    return new RpcError(Status.UNAVAILABLE, "the participant's database can't be asked now", { cause: error });
  }
  if (error instanceof LockTimeout) {
    return new RpcError(Status.ABORTED, 'another transaction holds the same and has not ended; try again', {
      cause: error,
    });
  }
  if (error instanceof SerializationFailure) {
    return new RpcError(Status.ABORTED, 'concurrent transactions have won each time; try again', { cause: error });
  }
  if (sqlStateOf(error) === NO_SLOT) {
    const message = 'as many transactions are prepared as the database may hold (max_prepared_transactions); try later';
    return new RpcError(Status.RESOURCE_EXHAUSTED, message, { cause: error });
  }
  return error;
}
