import type { Reply } from '../call/call.js';
import type { RuleViolation } from '../contract/definition.js';
import { encodeMessage } from '../contract/encode.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import { mapMessages } from '../middleware/stream.js';
import { type FieldAt, invalidArgument, validate, validateWith } from '../status/invalid-argument.js';
import type { FieldViolation } from '../status/violation.js';

/** Encodes the reply. If a message can't be encoded, that is the handler's fault. */
export function encodeReply(method: Method, reply: Reply): Reply<Uint8Array> {
  const { header, trailer, response } = reply;
  if (!response.stream)
    return { header, trailer, response: { stream: false, message: encodeResponse(method, response.message) } };
  const encode = (message: unknown) => encodeResponse(method, message);
  return { header, trailer, response: { stream: true, messages: mapMessages(response.messages, encode) } };
}

/**
 * Decodes a message of the request for its handler, and checks it by the contract's rules.
 *
 * @throws RpcError `INVALID_ARGUMENT` with every violation, or if the bytes can't be decoded.
 */
export function decodeRequest(method: Method, bytes: Uint8Array): unknown {
  const { requestType } = method;
  const { checked } = requestType;
  if (checked === undefined) return decoded(method, requestType, bytes);
  const request = decoded(method, checked, bytes);
  const violations = request.violations();
  if (violations.length > 0) throw invalidArgument(violations.map(toFieldViolation));
  return request.message;
}

/** Decodes the request of a unary call, and reads it by a handler's own reader; all violations are reported together. */
export function decodeAndRead(method: Method, bytes: Uint8Array, read: RequestReader): ReadRequest {
  const { requestType } = method;
  const { checked } = requestType;
  if (checked === undefined) {
    const message = decoded(method, requestType, bytes);
    return { message, read: validate((field) => read(message, field)) };
  }
  const request = decoded(method, checked, bytes);
  return { message: request.message, read: readChecked(request.violations(), (field) => read(request.message, field)) };
}

/** Reads a message whose violations of the contract are known. */
export function readChecked<T>(violations: readonly RuleViolation[], read: (field: FieldAt) => T): T {
  return validateWith(violations.map(toFieldViolation), read);
}

/** Reads a decoded request, and reports what is wrong with it. */
export type RequestReader = (message: unknown, field: FieldAt) => unknown;

/** A decoded request, and what a handler's own reader makes of it; `read` is undefined without one. */
export interface ReadRequest {
  readonly message: unknown;
  readonly read?: unknown;
}

function decoded<T>(method: Method, type: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  try {
    return type.decode(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw serverErrors.FOREIGN_REQUEST({ path: method.path, reason }, { cause });
  }
}

function toFieldViolation({ field, rule, text }: RuleViolation): FieldViolation {
  return { field, description: `${text} (${rule})` };
}

/** The messages passed to {@link encodeOnce}, with their bytes once they are encoded. */
const encodedOnce = new WeakMap<object, Uint8Array | undefined>();

/**
 * Marks a message that many calls are answered with, such as an event for all watchers of a resource. It is encoded for
 * the first call, and its bytes are reused for the others. Don't change the message afterwards.
 *
 * @returns `message` itself.
 */
export function encodeOnce<M extends object>(message: M): M {
  if (!encodedOnce.has(message)) encodedOnce.set(message, undefined);
  return message;
}

/** Encodes a reply for a store. If the handler then returns the same object, it is sent as it was stored. */
export function encodedAs(method: Method, message: object): Uint8Array {
  const bytes = encodeResponse(method, message);
  encodedOnce.set(message, bytes);
  return bytes;
}

/** Decodes a reply from a store. Its bytes are sent as they were stored, also if this version doesn't know all of its fields. */
export function decodedFrom({ responseType }: Method, bytes: Uint8Array): unknown {
  const message: unknown = responseType.decode(bytes);
  if (typeof message === 'object' && message !== null) encodedOnce.set(message, bytes);
  return message;
}

export function encodeResponse(method: Method, message: unknown): Uint8Array {
  if (typeof message !== 'object' || message === null) {
    throw new TypeError(`${method.path}: the handler returned ${String(message)} where its contract has a message`);
  }
  const present = encodedOnce.get(message);
  if (present !== undefined) return present;
  const bytes = encodeMessage(method.responseType, method.responseType.fromPartial(message));
  if (encodedOnce.has(message)) encodedOnce.set(message, bytes);
  return bytes;
}
