import { type DescMessage, type JsonValue, type Message, type Registry, ScalarType } from '@bufbuild/protobuf';
import type { FieldViolation } from '@rondo/rpc/status';
import { mapScalars, writeMessage } from '@rondo/schema';
import { gatewayErrors } from '../errors.js';

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
  const value = mapScalars(desc, json, numbers(types, violations));
  const [first] = violations;
  if (first !== undefined)
    throw gatewayErrors.REPLY_BEYOND_NUMBERS({ fieldAndRule: `${first.field} ${first.description}` });
  return value;
}

/** The violations of 64-bit integers in a request that a JSON number can't hold exactly. */
export function beyondNumbers(desc: DescMessage, message: Message, types: Registry): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  mapScalars(desc, writeMessage(desc, message, types), numbers(types, violations));
  return violations;
}

const LIMIT = 2n ** 53n;

/** Turns the 64-bit integers of proto3 JSON, which are text, into numbers. */
const numbers = (types: Registry, violations: FieldViolation[]): Parameters<typeof mapScalars>[2] => ({
  types,
  of(json, type, field) {
    if (typeof json !== 'string' || !is64Bit(type)) return json;
    const value = BigInt(json);
    if (value < -LIMIT || value > LIMIT) {
      const description = `is ${json}; this method's 64-bit integers are JSON numbers, from -${LIMIT} to ${LIMIT}`;
      violations.push({ field, description });
    }
    return Number(json);
  },
});

function is64Bit(type: ScalarType): boolean {
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
