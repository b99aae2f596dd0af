import type { ServerCall } from '../call/call.js';
import type { Metadata } from '../call/metadata.js';
import { Status, statusFromCode } from '../status/code.js';
import { fitDetails } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../transport/router-error.js';

/**
 * Codes that pass from a call that the handler made to the handler's own caller, because that caller can act on them.
 */
const PASSED_ON: ReadonlySet<Status> = new Set([Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE]);

/** The handler's own client has retried the call as often as it may. Further attempts of each tier would multiply. */
const NO_RETRY = -1;

/**
 * Refuses a call before its handler ran: the process isn't ready, or has too much to do. The client may retry the call at
 * another instance, whatever its method. Only Rondo's own middleware throws it, because other middleware may have had
 * effects by then; docs/adr/0051-retries-and-hedges.md.
 */
export class CallRefused extends RpcError {}

/** Ends a call because its server drains. */
export class ShuttingDown extends RpcError {}

/**
 * Converts what a handler threw to a status. An {@link RpcError} that the handler created stays as it is, unless its
 * code is `OK` or none of gRPC's. A failure of a call that the handler made keeps its code if the caller can act on it. Anything else
 * becomes `INTERNAL` with a fixed text and the trace id of the log line, so that internal details don't reach the
 * caller.
 */
export function toRpcError(call: ServerCall, fault: unknown): RpcError {
  if (fault instanceof RpcError && fault.report === undefined && isFailure(fault.code)) return fault;
  if (fault instanceof RpcError && PASSED_ON.has(fault.code)) {
    const message = `${fault.report?.method.slice(1)}: ${fault.message}`;
    // @rewraps the error of a call that the handler made, with the method of that call before its text.
    return new RpcError(fault.code, message, { cause: fault, retryPushbackMs: NO_RETRY });
  }
  call.log.error({ err: fault }, 'the handler failed');
  // @text internal error; the log of the service has it: rondo logs --trace <trace id>
  // @cause The handler threw an error that is no `RpcError`, or one of a call that it made, of which the caller can do
  // nothing.
  // @remedy Look in the service's log with the command in the text. The handler should throw an `RpcError` for whatever its
  // callers can act on.
  // @effect possible
  return new RpcError(Status.INTERNAL, internalError(call.traceId), { cause: fault });
}

/** Whether it is a code of a failure. A handler may have it from another library. */
function isFailure(code: Status): boolean {
  return code !== Status.OK && statusFromCode(code) === code;
}

/** The only text that a caller gets about an internal fault. */
export function internalError(traceId: string): string {
  return `internal error; the log of the service has it: rondo logs --trace ${traceId}`;
}

/**
 * The error as it is sent: with the header and trailing metadata of its call, and small enough for any connection. A
 * peer that gets a larger header block than it accepts closes the connection, with every other call on it.
 */
export function toRouterError(call: ServerCall, error: RpcError): RouterError {
  let metadata: Metadata;
  let details: RpcError['details'];
  try {
    if (!['number', 'undefined'].includes(typeof error.retryPushbackMs))
      throw new TypeError('a pushback must be a number');
    if (!error.details.every(isPacked)) throw new TypeError('a detail must be packed');
    details = fitDetails(error.details, MAX_DETAILS_BYTES);
    metadata = call.trailer.clone();
    metadata.appendAll(error.metadata);
    metadata.checkSendable();
    call.header.checkSendable();
  } catch (cause) {
    call.log.error({ err: cause, code: error.codeName }, 'a failure cannot be sent');
    // @text internal error; the log of the service has it: rondo logs --trace <trace id>
    // @cause The metadata of an error, one of its details, or its pushback, can't be sent; the log says which.
    // @remedy As above: correct the handler's trailing metadata; make details by `packDetail`.
    // @effect possible
    return new RouterError(Status.INTERNAL, internalError(call.traceId), { handled: 'unknown', cause });
  }
  if (details !== error.details) {
    const sent = { code: error.codeName, details: error.details.length, sent: details.length };
    call.log.warn(sent, 'details too large: what is beyond 4 KiB was cut');
  }
  const { code, message, cause, retryPushbackMs } = error;
  const handled = error instanceof CallRefused && !call.context.handling ? 'never' : 'unknown';
  const sent = { handled, details, metadata, header: call.header, cause, retryPushbackMs } as const;
  // @rewraps the handler's error, shortened to what every client accepts.
  return new RouterError(code, brief(message), sent);
}

/** Clients of gRPC's C core (Python, Ruby, PHP, C++) accept at most 16 KiB of trailers, and at least 8 KiB. */
const MAX_MESSAGE_BYTES = 2 * 1024;
const MAX_DETAILS_BYTES = 4 * 1024;

/** `message` as well-formed text, cut if it is too long. */
function brief(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString();
  // A streaming decoder omits an incomplete character at the end.
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES), { stream: true })}…`;
}

/** Whether a detail is packed. Another would fail when it is sent. */
const isPacked = ({ typeUrl, value }: RpcError['details'][number]) =>
  typeof typeUrl === 'string' && value instanceof Uint8Array;
