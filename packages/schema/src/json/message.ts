import { type DescMessage, fromJson, type JsonValue, type Message, type Registry, toJson } from '@bufbuild/protobuf';
import { invalidArgument } from '@rondo/rpc/status';
import { checkJson } from './check.js';
import { parseJson } from './parse.js';

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
  const { value, violations } = checkJson(desc, json, { registry });
  // @text <field>: <rule and remedy>; <field>: …
  // @cause Fields of the request's JSON are unknown, or have values that their types can't have.
  // @remedy Correct the fields that are named.
  if (violations.length > 0) throw invalidArgument(violations);
  try {
    return fromJson(desc, value, { registry });
  } catch (error) {
    // @cause The request's JSON isn't that of its message, in a way that no field shows.
    // @remedy Compare the JSON with the contract: `rondo describe`.
    throw invalidArgument([
      { field: 'the request', description: error instanceof Error ? error.message : String(error) },
    ]);
  }
}

/**
 * A message as proto3 JSON, for people: fields without presence are printed even if they are zero. 64-bit integers are
 * strings, bytes base64, enums names, timestamps RFC 3339.
 */
export function writeMessage(desc: DescMessage, message: Message, registry: Registry): JsonValue {
  return toJson(desc, message, { registry, alwaysEmitImplicit: true });
}
