import {
  type DescMessage,
  fromBinary,
  type JsonValue,
  type JsonWriteOptions,
  type Message,
  type Registry,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { invalidArgument, type RpcError } from '@rondo/rpc/status';
import { schemaErrors } from '../errors.js';
import { withReadableAnys } from './any.js';
import { type Faulty, faultyValue, holds, holdsStruct, valueWithoutKind } from './faulty.js';
import { parseJson } from './parse.js';
import { readJson } from './read.js';
import { mapScalars } from './scalars.js';

/**
 * Parses a message from proto3 JSON.
 *
 * @throws SyntaxError if `text` is not JSON, and RpcError `INVALID_ARGUMENT` that names every wrong field.
 */
export function readMessage(desc: DescMessage, text: string, registry: Registry): Message {
  return toMessage(desc, parseJson(text), registry);
}

/**
 * Makes a message from the result of {@link parseJson}.
 *
 * @throws RpcError `INVALID_ARGUMENT` that names every wrong field.
 */
export function toMessage(desc: DescMessage, json: JsonValue, registry: Registry): Message {
  const { message, violations } = readJson(desc, json, registry);
  if (violations.length > 0) throw invalidArgument(violations);
  return message;
}

/**
 * A message as proto3 JSON: 64-bit integers are strings, bytes base64, enums names, timestamps RFC 3339. An Any of an unknown
 * type is `{"@type": …, "value": base64}`. Fields without presence are there even if they are zero, so that a person sees them.
 *
 * @throws RpcError `INTERNAL` that names a value which has no JSON. The message may have been changed then.
 */
export function writeMessage(desc: DescMessage, message: Message, registry: Registry): JsonValue {
  return write(desc, message, { registry, alwaysEmitImplicit: true });
}

/** As {@link writeMessage}, without fields that are zero and have no presence. */
export function writeSetFields(desc: DescMessage, message: Message, registry: Registry): JsonValue {
  return write(desc, message, { registry });
}

type Options = Partial<JsonWriteOptions> & { readonly registry: Registry };

const holdsFloat = holds(
  ({ typeName, fields }) =>
    typeName === 'google.protobuf.Any' || fields.some(({ scalar }) => scalar === ScalarType.FLOAT),
);

function write(desc: DescMessage, message: Message, options: Options): JsonValue {
  const json = writeAll(desc, message, options);
  if (!holdsFloat(desc)) return json;
  const of = (value: JsonValue, type: ScalarType) =>
    type === ScalarType.FLOAT && typeof value === 'number' ? shortFloat(value) : value;
  return mapScalars(desc, json, { types: options.registry, of });
}

/** The number with the fewest digits that is read as the same 32 bits: protobuf-es writes all those of the same double. */
function shortFloat(value: number): number {
  for (let digits = 1; digits <= 9 && value !== 0; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function writeAll(desc: DescMessage, message: Message, options: Options): JsonValue {
  try {
    return toJson(desc, message, options);
  } catch {
    // Only now, as it costs a walk through the message: most have no Any, and most types are known.
    return withReadableAnys(message, options.registry, (registry) => {
      try {
        return toJson(desc, message, { ...options, registry });
      } catch (cause) {
        throw noJson(desc, faultyValue(reflect(desc, message), registry), cause);
      }
    });
  }
}

/**
 * Decodes a reply that is to be written as JSON.
 *
 * @throws RpcError `INTERNAL` for a Value without a kind in a Struct: protobuf-es reads it as null, which is another value.
 */
export function decodeReply(desc: DescMessage, bytes: Uint8Array): Message {
  const message = fromBinary(desc, bytes);
  const path = holdsStruct(desc) ? valueWithoutKind(desc, bytes, '') : undefined;
  if (path !== undefined) throw noJson(desc, { path, rule: 'google.protobuf.Value must have a value' });
  return message;
}

function noJson(
  { typeName }: DescMessage,
  { path = '', rule = 'it is faulty' }: Partial<Faulty> = {},
  cause?: unknown,
): RpcError {
  const partOfTheReply = path === '' ? 'the reply' : `${path} of the reply`;
  return schemaErrors.NO_JSON({ partOfTheReply, message: typeName, rule }, { cause });
}
