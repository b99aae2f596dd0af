import { Metadata, type Reply, type ServerCall } from '../call/index.js';
import { type Next, observeReply } from '../middleware/index.js';
import { RpcError, Status } from '../status/index.js';

/** What passes on to our own caller when a call that we made fails with it: the caller can act on these. */
const PASSED_ON: ReadonlySet<Status> = new Set([Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE]);

/** Turns whatever a handler throws into an {@link RpcError}, so that middleware sees nothing else. */
export async function hideFaults(call: ServerCall, next: Next<ServerCall>): Promise<Reply> {
  const error = (fault: unknown) => toRpcError(call, fault);
  try {
    return observeReply(await next(call), { error });
  } catch (fault) {
    throw error(fault);
  }
}

/**
 * The status that a fault becomes. An {@link RpcError} that the handler made stands as it is. A failure of a call that
 * it made keeps its code where the caller can act on it. Anything else is `INTERNAL` with a fixed text and the trace
 * id under which the log has it: what went wrong inside is nobody else's business.
 */
export function toRpcError(call: ServerCall, fault: unknown): RpcError {
  if (fault instanceof RpcError && fault.report === undefined) return fault;
  if (fault instanceof RpcError && PASSED_ON.has(fault.code)) {
    return new RpcError(fault.code, `${fault.report?.method.slice(1)}: ${fault.message}`, { cause: fault });
  }
  call.log.error({ err: fault }, 'the handler failed');
  const message = `internal error; the log of the service has it under trace ${call.traceId}`;
  return new RpcError(Status.INTERNAL, message, { cause: fault });
}

/** The error that leaves this server: with the trailing metadata of its call. */
export function withTrailer(error: RpcError, trailer: Metadata): RpcError {
  const metadata = new Metadata([...trailer, ...error.metadata]);
  return new RpcError(error.code, error.message, { details: error.details, metadata, cause: error.cause });
}
