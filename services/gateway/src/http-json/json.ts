import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import type { FieldViolation } from '@rondo/rpc/status';
import { writeMessage } from '@rondo/schema';
import { gatewayErrors } from '../errors.js';
import { isObject, own } from './query.js';

/** How a message is written as JSON. */
export interface JsonOptions {
  /** The types that an Any may hold. */
  readonly types: Registry;
  readonly int64AsNumber: boolean;
}

/**
 * A message as proto3 JSON. Fields without presence are there even if they are zero. An Any of an unknown type is
 * `{"@type": …, "value": base64}`.
 *
 * @throws RpcError `INTERNAL` if JSON has no form for a value, and `OUT_OF_RANGE` for a 64-bit integer that is to be a
 * number and is beyond ±2^53.
 */
export function toJsonValue(desc: DescMessage, message: Message, { types, int64AsNumber }: JsonOptions): JsonValue {
  const json = writeMessage(desc, message, types);
  if (!int64AsNumber) return json;
  const violations: FieldViolation[] = [];
  const value = new Numbers(types, violations).message(desc, json, '');
  const [first] = violations;
  if (first !== undefined)
    throw gatewayErrors.REPLY_BEYOND_NUMBERS({ fieldAndRule: `${first.field} ${first.description}` });
  return value;
}

/** The violations of 64-bit integers in a request that are beyond what its numbers hold. */
export function beyondNumbers(desc: DescMessage, message: Message, types: Registry): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  new Numbers(types, violations).message(desc, writeMessage(desc, message, types), '');
  return violations;
}

const LIMIT = 2n ** 53n;

/** Turns the 64-bit integers of proto3 JSON, which are text, into numbers. */
class Numbers {
  readonly #types: Registry;
  readonly #violations: FieldViolation[];

  constructor(types: Registry, violations: FieldViolation[]) {
    this.#types = types;
    this.#violations = violations;
  }

  message(desc: DescMessage, json: JsonValue, path: string): JsonValue {
    if (isWrapperDesc(desc)) return this.#single(desc.fields[0], json, path);
    if (!isObject(json)) return json;
    if (desc.typeName === 'google.protobuf.Any') return this.#any(json, path);
    if (desc.typeName.startsWith('google.protobuf.')) return json;
    const entries = desc.fields.flatMap((field) => {
      const member = own(json, field.jsonName);
      return member === undefined
        ? []
        : [[field.jsonName, this.#field(field, member, join(path, field.jsonName))] as const];
    });
    // Extensions aren't among the fields.
    return { ...json, ...Object.fromEntries(entries) };
  }

  #field(field: DescField, json: JsonValue, path: string): JsonValue {
    if (field.fieldKind === 'list' && Array.isArray(json)) {
      return json.map((item, index) => this.#single(field, item, `${path}[${index}]`));
    }
    if (field.fieldKind === 'map' && isObject(json)) {
      const entries = Object.entries(json);
      return Object.fromEntries(entries.map(([key, item]) => [key, this.#single(field, item, `${path}["${key}"]`)]));
    }
    return this.#single(field, json, path);
  }

  #single(field: DescField, json: JsonValue, path: string): JsonValue {
    if (field.message !== undefined) return this.message(field.message, json, path);
    if (typeof json !== 'string' || !is64Bit(field.scalar)) return json;
    const value = BigInt(json);
    if (value < -LIMIT || value > LIMIT) {
      const description = `is ${json}; this method's 64-bit integers are JSON numbers, from -${LIMIT} to ${LIMIT}`;
      this.#violations.push({ field: path, description });
    }
    return Number(json);
  }

  #any(json: JsonObject, path: string): JsonValue {
    const url = String(own(json, '@type') ?? '');
    const desc = this.#types.getMessage(url.slice(url.lastIndexOf('/') + 1));
    if (desc === undefined) return json;
    if ('value' in json && (isWrapperDesc(desc) || desc.typeName.startsWith('google.protobuf.'))) {
      return { ...json, value: this.message(desc, json['value'] ?? null, join(path, 'value')) };
    }
    const value = this.message(desc, json, path);
    return isObject(value) ? { ...value, '@type': url } : value;
  }
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);

function is64Bit(type: ScalarType | undefined): boolean {
  switch (type) {
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return true;
    default:
      return false;
  }
}
