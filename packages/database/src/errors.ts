import { types } from 'node:util';
import type { DatabaseError as ServerError } from 'pg';
import { explainPooler, explainTls } from './explain-errors.js';

/** Base class of classified database errors. `cause` is the driver's error. */
export abstract class DatabaseError extends Error {
  /** The five-character SQLSTATE (PostgreSQL manual, appendix A); undefined for a fault of the connection. */
  readonly sqlState: string | undefined;
  /** What the callers of a handler that throws it learn of the database: `@rondo/rpc` reads it. */
  readonly databaseFault: 'away' | 'unsure' | 'busy' | undefined = undefined;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.sqlState = sqlStateOf(cause);
  }
}

/** A constraint refused the data. */
export abstract class ConstraintViolation extends DatabaseError {
  /** The constraint's name. */
  readonly constraint: string;

  constructor(cause: ServerError) {
    super(cause.message, cause);
    this.constraint = cause.constraint ?? '';
  }
}

/** A row with this key exists already (SQLSTATE 23505). */
export class UniqueViolation extends ConstraintViolation {
  override readonly name = 'UniqueViolation';
}

/** A CHECK constraint refused a value (SQLSTATE 23514). */
export class CheckViolation extends ConstraintViolation {
  override readonly name = 'CheckViolation';
}

/** A referenced row is missing, or a referencing row still exists (SQLSTATE 23503; 23001 by `ON DELETE RESTRICT`, since PostgreSQL 18). */
export class ForeignKeyViolation extends ConstraintViolation {
  override readonly name = 'ForeignKeyViolation';
}

/**
 * The database can't be reached, doesn't answer, has no free connections, is starting or stopping, is read-only, or
 * has no disk or memory left. A later try may succeed.
 */
export class DatabaseUnavailable extends DatabaseError {
  override readonly name: string = 'DatabaseUnavailable';
  override readonly databaseFault: DatabaseError['databaseFault'] = 'away';
}

/**
 * The connection broke during a statement outside of a transaction, or during a commit: it may have taken effect or
 * not. Any other `DatabaseUnavailable` of a pool means that nothing took effect.
 */
export class CommitOutcomeUnknown extends DatabaseUnavailable {
  override readonly name = 'CommitOutcomeUnknown';
  override readonly databaseFault = 'unsure';
}

/** The call was refused because too many calls of its share run or wait. It took no effect. */
export class TooManyCalls extends DatabaseError {
  override readonly name = 'TooManyCalls';
}

/** A statement was ended by `statement_timeout`, or cancelled by an administrator (SQLSTATE 57014). */
export class StatementTimeout extends DatabaseError {
  override readonly name = 'StatementTimeout';
  override readonly databaseFault = 'away';
}

/** A statement waited for a lock for longer than the pool's `lockTimeoutMs` (SQLSTATE 55P03). */
export class LockTimeout extends DatabaseError {
  override readonly name = 'LockTimeout';
  override readonly databaseFault = 'busy';
}

/** A concurrent transaction won at each of the allowed attempts (SQLSTATE 40001, 40P01). */
export class SerializationFailure extends DatabaseError {
  override readonly name: string = 'SerializationFailure';
  override readonly databaseFault = 'busy';
}

/** A call with the same idempotency key runs for longer than a statement may wait for a lock. */
export class KeyInUse extends SerializationFailure {
  override readonly name = 'KeyInUse';
}

/**
 * A migration has changed the result of a statement that this connection had prepared (SQLSTATE 0A000, "cached plan
 * must not change result type"). The connection refuses the statement from then on.
 */
export class OutdatedPlan extends SerializationFailure {
  override readonly name = 'OutdatedPlan';
}

/** `one` or `maybeOne` got another number of rows than expected: a fault of the program. */
export class UnexpectedRowCount extends Error {
  override readonly name = 'UnexpectedRowCount';
  /** The actual number of rows. */
  readonly rowCount: number;

  constructor(expected: string, rowCount: number) {
    super(`expected ${expected}, the statement returned ${rowCount} rows`);
    this.rowCount = rowCount;
  }
}

/** The SQLSTATE of a driver's or a classified error; undefined for any other value. */
export function sqlStateOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError) return error.sqlState;
  return isServerError(error) ? error.code : undefined;
}

/** Whether the server refused a statement, and its connection goes on. By the code, as the severity is in the server's language. */
export function isRefusal(error: unknown): boolean {
  const cause = error instanceof DatabaseError ? error.cause : error;
  return isServerError(cause) && !/^(08|57P|25P0[34]|53300)/.test(cause.code ?? '');
}

/** By its fields, because a pool may be of another copy of the driver. */
function isServerError(error: unknown): error is ServerError {
  return types.isNativeError(error) && 'severity' in error && 'code' in error && 'routine' in error;
}

/** A write to a server that only reads, as after a failover. */
export const READ_ONLY = '25006';
/**
 * The server rolls back and says why: a session was idle in a transaction, a server only reads, a disk is full, or there is no
 * memory.
 */
const ROLLED_BACK = ['25P03', READ_ONLY, '53100', '53200'];
/** The driver's words for a statement that it didn't send. */
const NOT_SENT = / is not queryable$/;

/** Whether the statement can't have taken effect. */
const hadNoEffect = ({ sqlState = '', message }: DatabaseUnavailable): boolean =>
  ROLLED_BACK.includes(sqlState) || NOT_SENT.test(message);

/** Settles as `work` does, but turns the loss of the connection into {@link CommitOutcomeUnknown}. */
export async function withUnknownOutcome<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof DatabaseUnavailable && !hadNoEffect(error)
      ? new CommitOutcomeUnknown(error.message, error.cause)
      : error;
  }
}

/**
 * Maps an error of the driver to a class of this package, with the original as `cause`. Errors without a class, such as
 * a syntax error or a wrong password, are returned unchanged.
 */
export function classify(error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  if (isServerError(error)) return classifyServerError(error);
  const refused = types.isNativeError(error) ? explainTls(error) : undefined;
  if (refused !== undefined)
    return Object.assign(new DatabaseUnavailable(`PostgreSQL is unavailable: ${refused}`, error), {
      neverPasses: true,
    });
  return isConnectionLoss(error)
    ? new DatabaseUnavailable(`PostgreSQL is unavailable: ${reasonOf(error)}`, error)
    : error;
}

function classifyServerError(error: ServerError): unknown {
  const pooler = explainPooler(error);
  if (pooler !== undefined) return Object.assign(new Error(pooler, { cause: error }), { neverPasses: true });
  switch (error.code) {
    case '23505':
      return new UniqueViolation(error);
    case '23514':
      return new CheckViolation(error);
    case '23503':
    case '23001':
      return new ForeignKeyViolation(error);
    case '40001':
    case '40P01':
      return new SerializationFailure(error.message, error);
    case '0A000': // every unsupported feature, with a message in the server's language
      return error.routine === 'RevalidateCachedQuery' ? new OutdatedPlan(error.message, error) : error;
    case '55P03':
      return new LockTimeout(error.message, error);
    case '57014':
      return new StatementTimeout(error.message, error);
    default:
      return isServerUnavailable(error)
        ? new DatabaseUnavailable(`PostgreSQL is unavailable: ${error.message}`, error)
        : error;
  }
}

/**
 * 53300 too many connections; 57P01/02/03/05 stopping, crashed, starting, idle session ended; class 08 connection.
 * 53200 is also raised, by another function, when there are too many prepared transactions.
 */
function isServerUnavailable({ code = '', routine }: ServerError): boolean {
  if (ROLLED_BACK.includes(code)) return routine !== 'MarkAsPreparing';
  return /^08/.test(code) || /^57P0[1235]$/.test(code) || code === '53300';
}

const SOCKET_FAULTS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

// pg and Node's TLS give these errors a message and no code, or none of a system call. A server that starts or ends in the middle
// of a TLS handshake causes the last two.
const DRIVER_FAULTS = [
  /^Connection terminated/,
  /^timeout e(xpired|xceeded when trying to connect)$/,
  /^Client (has encountered a connection error|was closed) and is not queryable$/,
  /^Cannot use a pool after calling end on the pool$/,
  /^There was an error establishing an SSL connection$/,
  /^Client network socket disconnected before secure TLS connection was established$/,
];

function isConnectionLoss(error: unknown): error is Error {
  // Not instanceof: under jest, Node's own errors come from another realm.
  if (!types.isNativeError(error)) return false;
  if ('syscall' in error || 'errors' in error) {
    return 'code' in error && typeof error.code === 'string' && SOCKET_FAULTS.has(error.code);
  }
  return DRIVER_FAULTS.some((fault) => fault.test(error.message));
}

/** Node's error for a name with several addresses has an empty message; the reasons are in `errors`. */
function reasonOf(error: Error): string {
  const first: unknown = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error;
  return types.isNativeError(first) ? first.message : String(first);
}
