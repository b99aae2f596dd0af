import { types } from 'node:util';
import { DatabaseError as ServerError } from 'pg';

/** What every classified fault has: the driver's error as `cause`, and its SQLSTATE where the server gave one. */
export abstract class DatabaseError extends Error {
  /** The five-character SQLSTATE (PostgreSQL manual, appendix A); undefined when the fault is the connection's. */
  readonly sqlState: string | undefined;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.sqlState = sqlStateOf(cause);
  }
}

/** A constraint refused the data. */
export abstract class ConstraintViolation extends DatabaseError {
  /** The constraint's name, so that a caller can tell which rule was broken. */
  readonly constraint: string;

  constructor(cause: ServerError) {
    super(cause.message, cause);
    this.constraint = cause.constraint ?? '';
  }
}

/** A row with this key is there already (SQLSTATE 23505). */
export class UniqueViolation extends ConstraintViolation {
  override readonly name = 'UniqueViolation';
}

/** A CHECK constraint refused a value (SQLSTATE 23514). */
export class CheckViolation extends ConstraintViolation {
  override readonly name = 'CheckViolation';
}

/** A referenced row is absent, or a referencing row is still there (SQLSTATE 23503). */
export class ForeignKeyViolation extends ConstraintViolation {
  override readonly name = 'ForeignKeyViolation';
}

/**
 * The database can't be reached, doesn't answer, is full, or is starting or stopping: trying again later may succeed.
 */
export class DatabaseUnavailable extends DatabaseError {
  override readonly name: string = 'DatabaseUnavailable';
}

/**
 * The connection broke while a statement outside of a transaction ran, or while a transaction was being committed:
 * whether it took effect is unknown. Every other `DatabaseUnavailable` of a pool means that nothing did.
 */
export class OutcomeUnknown extends DatabaseUnavailable {
  override readonly name = 'OutcomeUnknown';
}

/** A statement was ended by `statement_timeout`, or cancelled by an administrator (SQLSTATE 57014). */
export class StatementTimeout extends DatabaseError {
  override readonly name = 'StatementTimeout';
}

/** Another transaction held what a statement waited for, for longer than the pool's `lockTimeoutMs` (SQLSTATE 55P03). */
export class LockTimeout extends DatabaseError {
  override readonly name = 'LockTimeout';
}

/** A concurrent transaction won (SQLSTATE 40001, 40P01), at each of the attempts that were allowed. */
export class SerializationFailure extends DatabaseError {
  override readonly name: string = 'SerializationFailure';
}

/**
 * A migration won: it has changed what a statement returns that this connection prepared before (SQLSTATE 0A000, "cached
 * plan must not change result type"). The connection refuses that statement for as long as it lives.
 */
export class OutdatedPlan extends SerializationFailure {
  override readonly name = 'OutdatedPlan';
}

/** `one` or `maybeOne` met another number of rows than the statement promises: a fault of the program. */
export class UnexpectedRowCount extends Error {
  override readonly name = 'UnexpectedRowCount';
  /** How many rows there were. */
  readonly rowCount: number;

  constructor(expected: string, rowCount: number) {
    super(`expected ${expected}, the statement returned ${rowCount} rows`);
    this.rowCount = rowCount;
  }
}

/** The SQLSTATE of a driver's or a classified error; undefined for any other value. */
export function sqlStateOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError) return error.sqlState;
  return error instanceof ServerError ? error.code : undefined;
}

/** `work`, after which nobody knows whether it took effect where the connection breaks. */
export async function withUnknownOutcome<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof DatabaseUnavailable ? new OutcomeUnknown(error.message, error.cause) : error;
  }
}

/**
 * Turns what the driver throws into this package's errors, with the original as `cause`; anything that has no class
 * here (a syntax error, a wrong password) is returned as it is.
 */
export function classify(error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  if (error instanceof ServerError) return classifyServerError(error);
  return isConnectionLoss(error)
    ? new DatabaseUnavailable(`PostgreSQL is unavailable: ${reasonOf(error)}`, error)
    : error;
}

function classifyServerError(error: ServerError): unknown {
  switch (error.code) {
    case '23505':
      return new UniqueViolation(error);
    case '23514':
      return new CheckViolation(error);
    case '23503':
      return new ForeignKeyViolation(error);
    case '40001':
    case '40P01':
      return new SerializationFailure(error.message, error);
    case '0A000':
      return isOutdatedPlan(error) ? new OutdatedPlan(error.message, error) : error;
    case '55P03':
      return new LockTimeout(error.message, error);
    case '57014':
      return new StatementTimeout(error.message, error);
    default:
      return isServerAway(error.code)
        ? new DatabaseUnavailable(`PostgreSQL is unavailable: ${error.message}`, error)
        : error;
  }
}

/** By the function that says so: the message is in the server's language, and 0A000 is every feature that is missing. */
function isOutdatedPlan({ routine }: ServerError): boolean {
  return routine === 'RevalidateCachedQuery';
}

/** 53300 too many connections; 57P01/02/03/05 stopping, crashed, starting, idle session ended; class 08 connection. */
function isServerAway(code: string | undefined): boolean {
  return code !== undefined && (/^08/.test(code) || /^57P0[1235]$/.test(code) || code === '53300');
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

// pg gives these faults a message and no code.
const DRIVER_FAULTS = [
  /^Connection terminated/,
  /^timeout e(xpired|xceeded when trying to connect)$/,
  /^Client (has encountered a connection error|was closed) and is not queryable$/,
  /^Cannot use a pool after calling end on the pool$/,
];

function isConnectionLoss(error: unknown): error is Error {
  // Not instanceof: under jest, Node's own errors are of another realm.
  if (!types.isNativeError(error)) return false;
  if ('syscall' in error || 'errors' in error) {
    return 'code' in error && typeof error.code === 'string' && SOCKET_FAULTS.has(error.code);
  }
  return DRIVER_FAULTS.some((fault) => fault.test(error.message));
}

/** Node's error for a name with several addresses has an empty message and the reasons inside. */
function reasonOf(error: Error): string {
  const first: unknown = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error;
  return types.isNativeError(first) ? first.message : String(first);
}
