import type { MetadataValue } from '../call/metadata.js';
import { Status, statusFromCode } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../status/wire-errors.js';

/** Stands in place of the path: a handler may have run. */
const UNKNOWN = '-';
/** The trailing metadata key of the instance that served a call. */
export const SERVED_BY = 'rondo-served-by';

/**
 * The value of `rondo-not-handled` (`NOT_HANDLED`) in the trailer of `error`, for a call of the method at `path`. If no handler
 * ran, it is the path, so that it proves nothing about other methods. Each `UNIMPLEMENTED` gets a value, because its text alone
 * could be mistaken for a proof. Metadata refuses the key, so a handler can neither set it nor pass it on.
 */
export function notHandledMark(error: RpcError, path: string): string | undefined {
  if (!(error instanceof RouterError)) return undefined;
  if (error.handled === 'never') return path;
  return error.code === Status.UNIMPLEMENTED ? UNKNOWN : undefined;
}

/** A failure as a client received it. */
export interface ReceivedFailure extends Pick<RpcError, 'message' | 'details' | 'metadata' | 'header'> {
  /** Any number: a server that isn't Rondo's may send one that gRPC doesn't have. */
  readonly code: number;
  readonly retryPushbackMs?: number | undefined;
  /** The method that was called. */
  readonly path: string;
  /** The value of `rondo-not-handled` in its trailer. */
  readonly mark: MetadataValue | undefined;
}

/** The error for a failure status that came from a server: a {@link RouterError} if that is a Rondo server, otherwise an RpcError. */
export function receivedError({ code: sent, message: text, path, mark, ...options }: ReceivedFailure): RpcError {
  const code = statusFromCode(sent);
  const message = code === sent ? text : `${text} (the server sent the status ${sent}, which gRPC doesn't have)`.trim();
  const received = { ...options, origin: 'server' } as const;
  if (mark === undefined && !options.metadata.has(SERVED_BY)) return new RpcError(code, message, received);
  return new RouterError(code, message, { ...received, handled: mark === path ? 'never' : 'unknown' });
}
