import { type DescMessage, isMessage, type JsonValue, type Message, type Registry } from '@bufbuild/protobuf';
import { toMessage } from '../json/message.js';
import { exactNumber } from '../json/parse.js';
import { dynamicErrors } from './errors.js';

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
      throw dynamicErrors.NO_JSON({ field: fieldOf(path), type: typeof value });
  }
}

function ofObject(value: object, path: readonly string[]): JsonValue {
  if (path.length > MAX_DEPTH) throw dynamicErrors.TOO_DEEP({ field: fieldOf(path.slice(0, 3)), maxDepth: MAX_DEPTH });
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return ofDate(value, path);
  if (Array.isArray(value)) return value.map((item, index) => toJson(item, [...path, String(index)]));
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  // A member `__proto__` becomes an own property, as every other.
  return Object.fromEntries(members.map(([key, member]) => [key, toJson(member, [...path, key])]));
}

function ofDate(date: Date, path: readonly string[]): JsonValue {
  if (Number.isNaN(date.getTime())) throw dynamicErrors.INVALID_DATE({ field: fieldOf(path) });
  return date.toISOString();
}

const fieldOf = (path: readonly string[]) => (path.length === 0 ? 'the request' : path.join('.'));
