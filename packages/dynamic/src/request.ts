import { type DescMessage, isMessage, type JsonValue, type Message, type Registry } from '@bufbuild/protobuf';
import { invalidArgument } from '@rondo/rpc/status';
import { exactNumber, toMessage } from '@rondo/schema';

/** As deep as protobuf's parsers read messages. */
const MAX_DEPTH = 100;

/**
 * Makes a message from an object: proto3 JSON, in which a 64-bit integer may also be a `bigint`, bytes a `Uint8Array`,
 * and a time a `Date`. A member that is undefined is left out. A message that protobuf-es made is taken as it is.
 *
 * @throws RpcError `INVALID_ARGUMENT` that names every wrong field, the rule, and what was given.
 */
export function toRequest(desc: DescMessage, request: unknown, registry: Registry): Message {
  if (isMessage(request, desc)) return request;
  return toMessage(desc, toJson(request, []), registry);
}

function toJson(value: unknown, path: readonly string[]): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'number':
      return value;
    case 'bigint':
      return exactNumber(String(value));
    case 'object':
      return value === null ? null : ofObject(value, path);
    default:
      // @cause A request of a dynamic client has a value that has no JSON, such as a function.
      // @remedy Correct the field that the text names.
      return refuse(path, `must be JSON, a bigint, a Uint8Array or a Date, not ${typeof value}`);
  }
}

function ofObject(value: object, path: readonly string[]): JsonValue {
  // @cause A request of a dynamic client is nested too deeply, or contains itself.
  // @remedy Send less at a time.
  if (path.length > MAX_DEPTH) return refuse(path.slice(0, 3), `is nested more than ${MAX_DEPTH} deep`);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return ofDate(value, path);
  if (Array.isArray(value)) return value.map((item, index) => toJson(item, [...path, String(index)]));
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  // A member `__proto__` becomes an own property, as every other.
  return Object.fromEntries(members.map(([key, member]) => [key, toJson(member, [...path, key])]));
}

function ofDate(date: Date, path: readonly string[]): JsonValue {
  // @cause A request of a dynamic client has an invalid `Date`.
  // @remedy Correct the field that the text names.
  return Number.isNaN(date.getTime()) ? refuse(path, 'must be a valid Date') : date.toISOString();
}

// @callers
function refuse(path: readonly string[], description: string): never {
  throw invalidArgument([{ field: path.length === 0 ? 'the request' : path.join('.'), description }]);
}
