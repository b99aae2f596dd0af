import { createSweep } from '@rondo/base';
import { ParticipantServiceDefinition, type PrepareRequest } from '@rondo/contracts/rondo/transactions/v1/transactions';
import {
  createShare,
  type Database,
  DatabaseUnavailable,
  LockTimeout,
  type OperatorAudit,
  type PartDatabase,
  requirePreparedTransactions,
  SerializationFailure,
  StatementTimeout,
  sqlStateOf,
  TooManyCalls,
} from '@rondo/database';
import { mayOperate, type PartOptions, processOf } from '@rondo/rpc/internal';
import { implement, type Part, type ServiceImplementation } from '@rondo/rpc/server';
import { type Caller, refuseCaller } from '../callers.js';
import { participantErrors } from '../errors.js';
import { meterUnfinished } from '../metrics.js';
import { pruneOld } from '../pruning.js';
import { transactionsSchema } from '../schema.js';
import { branchOf, type CheckedRef, checkName, gidOf, gidPrefix, readRef } from '../transaction-ref.js';
import { abortBranch, commitBranch, createInquiries, type ParticipantDependencies } from './end-branch.js';
import { createKnownCoordinators, type KnownCoordinators } from './known-coordinators.js';
import { type Operation, typeOf } from './operation.js';
import { createAdmission, prepareBranch } from './prepare-branch.js';

/** Options of a participant. */
export interface ParticipantOptions extends PartOptions {
  /**
   * The service's own database; it has the tables of `transactionsSchema`. At most four of its connections prepare branches at
   * once, as they may wait for rows of a branch in doubt. The others stay for other calls.
   */
  readonly database: PartDatabase & PartOptions['database'];
  /**
   * The same database through a second pool, of about two connections, which ends and lists branches. Statements that
   * wait for rows of a prepared branch may take every connection of `database`, and only the end of that branch frees
   * them. By default they are reserved of the database, if it can.
   */
  readonly endingDatabase?: Database;
  /**
   * Its name among participants that share a database, and for operators: 1 to 40 of `A-Z a-z 0-9 . _ -`. It never
   * changes.
   */
  readonly name: string;
  /**
   * The coordinators in whose transactions it takes part: the services whose instances serve them, by their names. Others are refused before
   * anything is locked.
   */
  readonly coordinators: KnownCoordinators | Readonly<Record<string, string>>;
  /** The services by which coordinators address it. */
  readonly services?: readonly { readonly fullName: string }[];
  /** The operations that it offers. */
  readonly operations: readonly Operation[];
  /** Called after a branch was committed, for example to publish changes; `nudge` of the database by default. It must not throw. */
  readonly onCommitted?: () => void;
  /** The service's audit: it says which operator ended a branch without its coordinator. That of the database by default. */
  readonly audit?: OperatorAudit | undefined;
}

/** A service's side of distributed transactions. Once started, it asks coordinators every second about branches that stay prepared. */
export interface Participant extends Part {
  /** Checks that the database supports prepared transactions. */
  check(options: { readonly signal: AbortSignal } | AbortSignal): Promise<void>;
  start(): void;
  /** Stops asking. Another replica, or the next start, asks about branches that are still prepared. */
  stop(): Promise<void>;
  /** @deprecated The name that `stop` had in 0.2. */
  close(): Promise<void>;
  /** @deprecated The only one of `services`. */
  readonly service: ServiceImplementation;
}

const MAX_LISTED = 1_000;
/** The connections that end branches. */
const ENDING = { maxConnections: 2, poolName: 'ending' };
/** How many Prepares have a connection, and how many wait for one. */
const PREPARES = { maxConnections: 4, maxWaiting: 32 };
/** The participant asks about a prepared branch after one to two intervals. */
const SWEEP_MS = 1_000;
const LIST_IN_DOUBT = '/rondo.transactions.v1.ParticipantService/ListInDoubt';

/** Creates a participant that uses PostgreSQL's prepared transactions. */
export function createParticipant(options: ParticipantOptions): Participant {
  const { database, onCommitted = database.nudge ?? (() => undefined), audit = database.audit } = options;
  const process = processOf(options);
  const { log, clock } = process;
  const coordinators = knownBy(options, process);
  const own = options.endingDatabase === undefined ? database.reserve?.(ENDING) : undefined;
  const endingDatabase = options.endingDatabase ?? own ?? database;
  const name = checkName('participant', options.name);
  meterUnfinished({ meter: process.meter, database: endingDatabase, role: 'participant', name });
  const dependencies: ParticipantDependencies = {
    name,
    preparingDatabase: createShare(database, PREPARES),
    endingDatabase,
    log,
    clock,
    onCommitted,
    audit,
    isKnown: ({ coordinator }) => coordinators.knows(coordinator),
    preparing: new Map(),
    entering: new Set(),
  };

  const inquire = createInquiries(dependencies, coordinators);
  const pruning = pruneOld('branches', { database: endingDatabase, log, clock, random: process.random });
  const round = async (signal: AbortSignal) => {
    await inquire(signal);
    return false;
  };
  const sweep = createSweep({ intervalMs: SWEEP_MS, clock, log, name: 'branches in doubt', round });
  const service = handlersOf(dependencies, coordinators, options.operations);
  const stop = async () => {
    await Promise.all([sweep.close(), pruning.close()]);
    await own?.close();
  };
  return {
    name: 'the participant in transactions',
    schema: [transactionsSchema],
    services: [service],
    quiet: [LIST_IN_DOUBT],
    graceMs: database.graceMs ?? 0,
    check: (given) => requirePreparedTransactions(database, 'aborted' in given ? { signal: given } : given),
    start: () => sweep.start(),
    stop,
    close: stop,
    service,
  };
}

/** What coordinators call, and operators. */
function handlersOf(
  dependencies: ParticipantDependencies,
  coordinators: KnownCoordinators,
  offered: readonly Operation[],
): ServiceImplementation {
  const { name, endingDatabase } = dependencies;
  const operations = new Map(offered.map((operation) => [operation.requestType, operation]));
  const admit = createAdmission(coordinators);
  const requireCoordinator = (call: ParticipantCall, { coordinator }: CheckedRef) => {
    const isIts = !coordinators.knows(coordinator) || coordinators.mayBe(call, coordinator);
    if (!isIts) throw refuseCaller(call, `the service of the coordinator ${coordinator} may`);
  };
  const endedBy = (request: EndRequest, call: ParticipantCall) => {
    const end = toEnd(request, name);
    if (!mayOperate(call) && !coordinators.mayBe(call, end.transaction.coordinator)) throw refuseCaller(call, ENDS);
    return end;
  };
  return implement(ParticipantServiceDefinition, {
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
  });
}

/** What asks the coordinators: as given, or over the channel. */
function knownBy(
  { coordinators, services = [] }: ParticipantOptions,
  { channel, mayServe }: Pick<ReturnType<typeof processOf>, 'channel' | 'mayServe'>,
): KnownCoordinators {
  if (isKnown(coordinators)) return coordinators;
  const names = services.map(({ fullName }) => fullName);
  return createKnownCoordinators({ channel, coordinators, services: names, mayServe });
}

const isKnown = (coordinators: ParticipantOptions['coordinators']): coordinators is KnownCoordinators =>
  typeof coordinators['knows'] === 'function';

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
