import {
  createRegistry,
  type DescMessage,
  isMessage,
  type JsonValue,
  type Message,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { type Any, AnySchema, anyUnpack, BytesValueSchema } from '@bufbuild/protobuf/wkt';

/** The end of the type URL of an Any whose type is unknown, while it is written. It begins with a private-use character. */
const UNKNOWN = '\ue001/google.protobuf.BytesValue';

/**
 * Writes a message that may hold an Any of an unknown type, whose JSON is then `{"@type": …, "value": base64}`:
 * such an Any is replaced in the message by a BytesValue with its bytes, which has that JSON.
 */
export function withReadableAnys(
  message: Message,
  types: Registry,
  write: (registry: Registry) => JsonValue,
): JsonValue {
  wrapUnknown(message, types);
  return withoutMark(write(createRegistry(types, BytesValueSchema)));
}

/** Visits everything that a message holds. Messages are plain objects. */
function wrapUnknown(value: unknown, types: Registry): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (isMessage(value, AnySchema)) wrapAny(value, types);
  else for (const member of Object.values(value)) wrapUnknown(member, types);
}

function wrapAny(any: Any, types: Registry): void {
  const desc: DescMessage | undefined = types.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1));
  const message = desc && anyUnpack(any, desc);
  if (desc !== undefined && message !== undefined) {
    wrapUnknown(message, types);
    any.value = toBinary(desc, message);
  } else if (any.typeUrl !== '') {
    any.value = toBinary(BytesValueSchema, { $typeName: 'google.protobuf.BytesValue', value: any.value });
    any.typeUrl += UNKNOWN;
  }
}

function withoutMark(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(withoutMark);
  if (typeof json === 'string' && json.endsWith(UNKNOWN)) return json.slice(0, -UNKNOWN.length);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, member]) => [key, withoutMark(member)]));
}
