import type { Meter } from '@opentelemetry/api';
import { createSweep } from '@rondo/base';
import { ParticipantServiceDefinition, type PrepareRequest } from '@rondo/contracts/rondo/transactions/v1/transactions';
import {
  createShare,
  type Database,
  DatabaseUnavailable,
  LockTimeout,
  type OperatorAudit,
  requirePreparedTransactions,
  SerializationFailure,
  StatementTimeout,
  sqlStateOf,
  TooManyCalls,
} from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { mayOperate } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { type Caller, refuseCaller } from '../callers.js';
import { participantErrors } from '../errors.js';
import { meterUnfinished } from '../metrics.js';
import { createPruning } from '../pruning.js';

import { branchOf, type CheckedRef, checkName, gidOf, gidPrefix, readRef } from '../transaction-ref.js';
import { pruneBranches } from './branches.js';
import { abortBranch, commitBranch, createInquiries, type ParticipantDependencies } from './end-branch.js';
import type { KnownCoordinators } from './known-coordinators.js';
import { type Operation, typeOf } from './operation.js';
import { createAdmission, prepareBranch } from './prepare-branch.js';

/** Options of a participant. */
export interface ParticipantOptions {
  /**
   * The service's own database; it has the tables of `transactionsSchema`. At most four of its connections prepare branches at
   * once, as they may wait for rows of a branch in doubt. The others stay for other calls.
   */
  readonly database: Database;
  /**
   * The same database through a second pool, of about two connections, which ends and lists branches. Statements that
   * wait for rows of a prepared branch may take every connection of `database`, and only the end of that branch frees
   * them. `database` by default.
   */
  readonly endingDatabase?: Database;
  /**
   * Its name among participants that share a database, and for operators: 1 to 40 of `A-Z a-z 0-9 . _ -`. It never
   * changes.
   */
  readonly name: string;
  /** The coordinators in whose transactions it takes part. Others are refused before anything is locked. */
  readonly coordinators: KnownCoordinators;
  /** The operations that it offers. */
  readonly operations: readonly Operation[];
  readonly log: Logger;
  readonly clock?: Clock;
  /** Called after a branch was committed, for example to publish changes. It must not throw. */
  readonly onCommitted?: () => void;
  /** Measures the branches in doubt: the meter of a service's context. */
  readonly meter?: Meter | undefined;
  /** The service's audit, if it keeps one: it says which operator ended a branch without its coordinator. */
  readonly audit?: OperatorAudit | undefined;
}

/** A service's side of distributed transactions. */
export interface Participant {
  /** The service to serve besides the app's own. */
  readonly service: ServiceImplementation;
  /** Checks that the database supports prepared transactions; part of the service's readiness. */
  check(signal: AbortSignal): Promise<void>;
  /** Starts asking coordinators about branches that stay prepared, every second. Call it once the tables exist. */
  start(): void;
  /** Stops asking. Another replica, or the next start, asks about branches that are still prepared. */
  close(): Promise<void>;
}

const MAX_LISTED = 1_000;
/** How many Prepares have a connection, and how many wait for one. */
const PREPARES = { maxConnections: 4, maxWaiting: 32 };
/** The participant asks about a prepared branch after one to two intervals. */
const SWEEP_MS = 1_000;

/** Creates a participant that uses PostgreSQL's prepared transactions. */
export function createParticipant(options: ParticipantOptions): Participant {
  const { database, endingDatabase = database, coordinators, log, clock = systemClock } = options;
  const { onCommitted = () => undefined } = options;
  const name = checkName('participant', options.name);
  meterUnfinished({ meter: options.meter, database: endingDatabase, role: 'participant', name });
  const operations = new Map(options.operations.map((operation) => [operation.requestType, operation]));
  const dependencies: ParticipantDependencies = {
    name,
    preparingDatabase: createShare(database, PREPARES),
    endingDatabase,
    log,
    clock,
    onCommitted,
    audit: options.audit,
    isKnown: ({ coordinator }) => coordinators.knows(coordinator),
    preparing: new Map(),
    entering: new Set(),
  };

  const admit = createAdmission(coordinators);
  const inquire = createInquiries(dependencies, coordinators);
  const prune = createPruning(clock, (limit, signal) => pruneBranches(endingDatabase, limit, { signal }));
  const round = async (signal: AbortSignal) => {
    const more = await prune(signal);
    await inquire(signal);
    return more;
  };
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'branches in doubt', round });

  const requireCoordinator = (call: ParticipantCall, { coordinator }: CheckedRef) => {
    const isIts = !coordinators.knows(coordinator) || coordinators.mayBe(call, coordinator);
    if (!isIts) throw refuseCaller(call, `the service of the coordinator ${coordinator} may`);
  };
  const endedBy = (request: EndRequest, call: ParticipantCall) => {
    const end = toEnd(request, name);
    if (!mayOperate(call) && !coordinators.mayBe(call, end.transaction.coordinator)) throw refuseCaller(call, ENDS);
    return end;
  };
  const handlers = {
    async prepare(request: PrepareRequest, call: ParticipantCall) {
      const { signal } = call;
      const transaction = readRef(request.transaction);
      requireCoordinator(call, transaction);
      const type = typeOf(request.operation);
      const operation = operations.get(type);
      if (operation === undefined || request.operation === undefined)
        throw participantErrors.UNKNOWN_OPERATION({ names: [...operations.keys()].join(', ') || 'none', type });
      const branch = { transaction, gid: gidOf(transaction, name), operation, request: request.operation };
      await admit(transaction, signal);
      return { result: await asStatus(prepareBranch(dependencies, branch, signal)) };
    },
    commit: async (request: EndRequest, call: ParticipantCall) =>
      asStatus(commitBranch(dependencies, endedBy(request, call), call.signal)),
    abort: async (request: EndRequest, call: ParticipantCall) =>
      asStatus(abortBranch(dependencies, endedBy(request, call), call.signal)),
    async listInDoubt({ coordinator }: { readonly coordinator: string }, call: ParticipantCall) {
      const { signal } = call;
      if (!mayOperate(call) && !coordinators.mayBe(call, coordinator)) throw refuseCaller(call, ENDS);
      const prepared = await asStatus(endingDatabase.listPrepared(gidPrefix(coordinator), { signal }));
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

type ParticipantCall = Caller & { readonly signal: AbortSignal };

const ENDS = "the service of the transaction's coordinator, people and operators may";

interface EndRequest {
  readonly transaction?: CheckedRef | undefined;
  readonly heuristic: boolean;
}

function toEnd({ transaction, heuristic }: EndRequest, participant: string) {
  const ref = readRef(transaction);
  return { transaction: ref, gid: gidOf(ref, participant), heuristic };
}

/** SQLSTATE of PREPARE TRANSACTION if the server's limit of prepared transactions is reached. */
const NO_SLOT = '53200';

/** Settles as `work` does, but maps database errors to a status that a coordinator can handle. */
async function asStatus<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toRpcError(error);
  }
}

function toRpcError(error: unknown): unknown {
  const cause = { cause: error };
  if (error instanceof TooManyCalls) return participantErrors.TOO_MANY_PREPARE({ reason: error.message }, cause);
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout)
    return participantErrors.DATABASE_AWAY(cause);
  if (error instanceof LockTimeout) return participantErrors.ROWS_HELD(cause);
  if (error instanceof SerializationFailure) return participantErrors.OTHERS_WON(cause);
  if (sqlStateOf(error) === NO_SLOT) return participantErrors.NO_SLOT(cause);
  return error;
}
