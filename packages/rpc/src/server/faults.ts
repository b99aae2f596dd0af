import { types } from 'node:util';
import type { ServerCall } from '../call/call.js';
import type { Metadata } from '../call/metadata.js';
import { serverErrors } from '../errors/server.js';
import { Status, statusFromCode } from '../status/code.js';
import { fitDetails } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { CallRefused, RouterError } from '../status/wire-errors.js';

/**
 * Codes that pass from a call that the handler made to the handler's own caller, because that caller can act on them.
 */
const PASSED_ON: ReadonlySet<Status> = new Set([Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE]);

/** The errors of `@rondo/database`, which this package doesn't import. */
const OF_DATABASE = {
  away: serverErrors.DATABASE_AWAY,
  unsure: serverErrors.DATABASE_UNSURE,
  busy: serverErrors.DATABASE_BUSY,
} as const;

/** Ends the transaction of a call whose key an earlier call had. Its caller gets the outcome of that. */
export class KeyRepeated extends Error {}

/** The handler's own client has retried the call as often as it may. Further attempts of each tier would multiply. */
const NO_RETRY = -1;

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
    return new RpcError(fault.code, message, { cause: fault, retryPushbackMs: NO_RETRY });
  }
  const ofDatabase = types.isNativeError(fault) && 'databaseFault' in fault ? fault.databaseFault : undefined;
  if (ofDatabase === 'away' || ofDatabase === 'unsure' || ofDatabase === 'busy') {
    call.log.warn({ err: fault }, 'the database failed the handler');
    const onlyReads = call.method.policy.idempotency === 'no_side_effects';
    return OF_DATABASE[ofDatabase === 'unsure' && onlyReads ? 'away' : ofDatabase]({ cause: fault });
  }
  if (fault instanceof KeyRepeated) call.log.debug({}, 'a repetition: it gets the outcome of the first call');
  else call.log.error({ err: fault }, 'the handler failed');
  return serverErrors.HANDLER_FAILED({ traceId: call.traceId }, { cause: fault });
}

/** Whether it is a code of a failure. A handler may have it from another library. */
function isFailure(code: Status): boolean {
  return code !== Status.OK && statusFromCode(code) === code;
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
    return serverErrors.UNSENDABLE_ERROR({ traceId: call.traceId }, { handled: 'unknown', cause });
  }
  if (details !== error.details) {
    const sent = { code: error.codeName, details: error.details.length, sent: details.length };
    call.log.warn(sent, 'details too large: what is beyond 4 KiB was cut');
  }
  const { code, message, cause, retryPushbackMs } = error;
  const handled = error instanceof CallRefused && !call.context.handling ? 'never' : 'unknown';
  const sent = { handled, details, metadata, header: call.header, cause, retryPushbackMs } as const;
  return new RouterError(code, brief(message), sent);
}

/** Clients of gRPC's C core (Python, Ruby, PHP, C++) accept at most 16 KiB of trailers, and at least 8 KiB. */
const MAX_MESSAGE_BYTES = 2 * 1024;
const MAX_DETAILS_BYTES = 4 * 1024;

/** `message` as well-formed text, cut if it is too long. */
export function brief(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString();
  // A streaming decoder omits an incomplete character at the end.
  return `${new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES), { stream: true })}…`;
}

/** Whether a detail is packed; sending any other fails. */
const isPacked = ({ typeUrl, value }: RpcError['details'][number]) =>
  typeof typeUrl === 'string' && value instanceof Uint8Array;
