import { type DescMessage, fromJson, type JsonValue, type Message, type Registry, toJson } from '@bufbuild/protobuf';
import { invalidArgument } from '@rondo/rpc/status';
import { messageOf } from '../errors.js';
import { checkJson } from './check.js';
import { parseJson } from './parse.js';

/**
 * The message that `text` stands for, by proto3's rules for JSON.
 *
 * @throws UsageError where it is no JSON, and RpcError `INVALID_ARGUMENT` that names every field at fault.
 */
export function readMessage(desc: DescMessage, text: string, registry: Registry): Message {
  const { value, violations } = checkJson(desc, parseJson(text), registry);
  if (violations.length > 0) throw invalidArgument(violations);
  try {
    return fromJson(desc, value, { registry });
  } catch (error) {
    throw invalidArgument([{ field: 'the request', description: messageOf(error) }]);
  }
}

/**
 * A message as JSON for people: every field without presence is there, so that a zero can be seen; 64-bit integers are
 * text, bytes base64, enums names, timestamps RFC 3339.
 */
export function writeMessage(desc: DescMessage, message: Message, registry: Registry): JsonValue {
  return toJson(desc, message, { registry, alwaysEmitImplicit: true });
}
