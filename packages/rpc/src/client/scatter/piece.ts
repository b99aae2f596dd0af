import type { Method } from '../../contract/index.js';
import { type Attempt, RpcError, Status } from '../../status/index.js';
import { type Failure, judge } from '../attempts/failure.js';

/** A part that isn't done yet: where it was tried, and what came of that. */
export interface Piece<Req> {
  readonly index: number;
  readonly request: Req;
  /** Where it isn't tried again. */
  readonly tried: Set<string>;
  /** Who it was tried at last. */
  at: string | undefined;
  /** Who lost its connection before the part could be taken: it may be tried once more where there is no other. */
  lapsed: string | undefined;
  /** Whether that has been done. */
  forgiven: boolean;
  /** How many instances it has burdened. */
  tries: number;
  failure: RpcError | undefined;
  readonly attempts: Attempt[];
}

/** A part that was tried nowhere. */
export function newPiece<Req>(index: number, request: Req): Piece<Req> {
  const untried = { at: undefined, lapsed: undefined, forgiven: false, tries: 0, failure: undefined };
  return { index, request, tried: new Set(), attempts: [], ...untried };
}

/** What a try's failure means for its part. */
export type Fate = Pick<Failure, 'again' | 'costs' | 'lapsed'>;

/**
 * What `error`, with which a call of `method` at one instance failed, means for the part. What isn't the instance's own
 * doing would be the same elsewhere.
 */
export function fateOf(method: Method, error: RpcError): Fate {
  const failure = judge(method, received(error), false);
  if (failure?.again) return failure;
  const safe = method.policy.idempotency !== 'unknown';
  return { again: safe && INSTANCE_FAULTS.has(error.code), costs: true, lapsed: false };
}

const INSTANCE_FAULTS: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED]);

/** The failure as the connection told it: a client hands out a copy that explains it. */
function received(error: RpcError): unknown {
  return error.report !== undefined && error.cause instanceof RpcError ? error.cause : error;
}

/** The failure of a part, with every try at it. */
export function lossOf({ path }: Method, attempts: readonly Attempt[], cause: RpcError): RpcError {
  const { code, message, details, metadata, report } = cause;
  const elapsedMs = attempts.reduce((sum, attempt) => sum + attempt.elapsedMs, 0);
  const places = new Set(attempts.map(({ instance }) => instance));
  const tried = places.size > 1 ? ` (tried at ${[...places].join(', ')})` : '';
  return new RpcError(code, message + tried, {
    details,
    metadata,
    cause,
    report: { method: report?.method ?? path, attempts: [...attempts], elapsedMs },
  });
}

/** What failed, as an error of a call. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RpcError(Status.INTERNAL, message, { cause: error });
}
