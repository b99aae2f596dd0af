import type { Metadata, ServerCall } from '../call/index.js';
import { RpcError, Status } from '../status/index.js';
import { RouterError } from '../transport/index.js';

/** What passes on to our own caller when a call that we made fails with it: the caller can act on these. */
const PASSED_ON: ReadonlySet<Status> = new Set([Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE]);

/**
 * The status that a fault becomes. An {@link RpcError} that the handler made stands as it is, but for one of `OK`. A failure of a call that
 * it made keeps its code where the caller can act on it. Anything else is `INTERNAL` with a fixed text and the trace
 * id under which the log has it: what went wrong inside is nobody else's business.
 */
export function toRpcError(call: ServerCall, fault: unknown): RpcError {
  if (fault instanceof RpcError && fault.report === undefined && fault.code !== Status.OK) return fault;
  if (fault instanceof RpcError && PASSED_ON.has(fault.code)) {
    return new RpcError(fault.code, `${fault.report?.method.slice(1)}: ${fault.message}`, { cause: fault });
  }
  call.log.error({ err: fault }, 'the handler failed');
  return new RpcError(Status.INTERNAL, internalError(call.traceId), { cause: fault });
}

/** All that a caller learns of what went wrong inside. */
export function internalError(traceId: string): string {
  return `internal error; the log of the service has it: rondo logs --trace ${traceId}`;
}

/**
 * The error that leaves this server: with the header and trailing metadata of its call, and no larger than any connection can
 * carry. A peer that gets more in a header block than it takes ends the connection, with every innocent call on it.
 */
export function toRouterError(call: ServerCall, error: RpcError): RouterError {
  let metadata: Metadata;
  try {
    metadata = call.trailer.clone();
    metadata.appendAll(error.metadata);
    metadata.checkSendable();
    call.header.checkSendable();
  } catch (cause) {
    call.log.error({ err: cause, code: error.codeName }, 'the metadata of a failure cannot be sent');
    return new RouterError(Status.INTERNAL, internalError(call.traceId), { handled: 'unknown', cause });
  }
  const details = leading(error.details);
  if (details.length < error.details.length) {
    call.log.warn({ code: error.codeName, details: error.details.length, sent: details.length }, 'details too large');
  }
  const { code, message, cause } = error;
  return new RouterError(code, brief(message), { handled: 'unknown', details, metadata, header: call.header, cause });
}

/** Clients of gRPC's C core (Python, Ruby, PHP, C++) take 16 KiB of trailers at the most, and 8 KiB for sure. */
const MAX_MESSAGE_BYTES = 2 * 1024;
const MAX_DETAILS_BYTES = 4 * 1024;

/** `message` as well-formed text, cut where it is too long. */
function brief(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString();
  // A stream's decoder leaves out the half of a character at the end.
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES), { stream: true })}…`;
}

/** As many of the first details as fit. */
function leading(details: RpcError['details']): RpcError['details'] {
  let sizeBytes = 0;
  const surplus = details.findIndex(({ typeUrl, value }) => {
    sizeBytes += typeUrl.length + value.length;
    return sizeBytes > MAX_DETAILS_BYTES;
  });
  return surplus < 0 ? details : details.slice(0, surplus);
}
