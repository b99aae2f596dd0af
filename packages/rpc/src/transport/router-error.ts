import type { MetadataValue } from '../call/index.js';
import { RpcError, type RpcErrorOptions, Status } from '../status/index.js';

/** What a {@link RouterError} is made from. */
export interface RouterErrorOptions extends RpcErrorOptions {
  /** Whether it is certain that no handler ran. */
  readonly handled: 'never' | 'unknown';
}

/**
 * A failure that the router of a Rondo server answered with. Where no handler ran, the call may go elsewhere, whatever
 * its method. Callers see it as a plain {@link RpcError}.
 */
export class RouterError extends RpcError {
  readonly handled: 'never' | 'unknown';

  constructor(code: Status, message: string, { handled, ...options }: RouterErrorOptions) {
    super(code, message, options);
    this.handled = handled;
  }
}

/** Says, in the place of a path, that a handler may have run. */
const UNKNOWN = '-';
/** The trailing metadata that names the instance which served a call. */
export const SERVED_BY = 'rondo-served-by';

/**
 * What a server puts under `rondo-not-handled` (`NOT_HANDLED`) into the trailer of `error`, by which a call of the method
 * at `path` failed: the path if no handler ran, so that it proves nothing of any other method. Each `UNIMPLEMENTED` has
 * one, as its text could be taken for a proof. Metadata refuses the key: a handler can neither set it nor pass it on.
 */
export function notHandledMark(error: RpcError, path: string): string | undefined {
  if (!(error instanceof RouterError)) return undefined;
  if (error.handled === 'never') return path;
  return error.code === Status.UNIMPLEMENTED ? UNKNOWN : undefined;
}

/** A failure as it was received. */
export interface ReceivedFailure extends Pick<RpcError, 'code' | 'message' | 'details' | 'metadata' | 'header'> {
  /** The method that was called. */
  readonly path: string;
  /** What stands under `rondo-not-handled` in its trailer. */
  readonly mark: MetadataValue | undefined;
}

/** The error of a failure that a server answered with: a {@link RouterError} where the server is a Rondo one. */
export function receivedError({ code, message, path, mark, ...options }: ReceivedFailure): RpcError {
  if (mark === undefined && !options.metadata.has(SERVED_BY)) return new RpcError(code, message, options);
  return new RouterError(code, message, { ...options, handled: mark === path ? 'never' : 'unknown' });
}
