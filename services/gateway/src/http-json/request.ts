import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { type FieldViolation, invalidArgument } from '@rondo/rpc/status';
import { readJson } from '@rondo/schema';
import type { HttpBinding } from '@rondo/schema/http';
import { parseText } from '../protocols/json-text.js';
import { type Conditions, setConditions } from './conditions.js';
import { impliedMask, isMask, setMask } from './field-mask.js';
import { beyondNumbers } from './json.js';
import { isObject, memberOf, type QueryParameters, setField, setQuery, textToJson } from './query.js';

/** What of an HTTP request fills the request message. */
export interface RequestParts {
  readonly binding: HttpBinding;
  readonly variables: ReadonlyMap<string, string>;
  readonly query: QueryParameters;
  /** JSON; empty for none. */
  readonly body: string;
  readonly conditions: Conditions;
  /** Of `Last-Event-ID`: the value of the field from which a stream resumes. */
  readonly resume?: { readonly field: string; readonly token: string } | undefined;
  /** The types that an Any may hold. */
  readonly types: Registry;
  readonly int64AsNumber: boolean;
}

/**
 * Encodes the request message that an HTTP request stands for.
 *
 * Sources: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto,
 * https://protobuf.dev/programming-guides/json/
 *
 * @throws RpcError `INVALID_ARGUMENT` with every field that is wrong.
 */
export function encodeRequest(method: DescMethod, parts: RequestParts): Uint8Array {
  const message = readMessage(method, parts);
  const bytes = toBinary(method.input, message);
  if (!parts.int64AsNumber) return bytes;
  // Not every mask has JSON.
  for (const field of method.input.fields.filter(isMask)) reflect(method.input, message).clear(field);
  const beyond = beyondNumbers(method.input, message, parts.types);
  if (beyond.length > 0) throw invalidArgument(beyond);
  return bytes;
}

function readMessage(method: DescMethod, parts: RequestParts): Message {
  const { binding, types } = parts;
  const { input } = method;
  const json = bodyJson(input, parts);
  const violations = isObject(json) ? [...setParts(json, method, parts)] : [];
  const mask = isObject(json) && binding.verb === 'PATCH' ? impliedMask(input, json, binding.body) : undefined;
  const { message, violations: inJson } = readJson(input, json, types);
  const faults = [...violations, ...inJson];
  if (faults.length > 0) throw invalidArgument(faults);
  if (mask !== undefined) setMask(input, message, mask);
  return message;
}

function bodyJson(desc: DescMessage, { binding, body }: RequestParts): JsonValue {
  if (binding.body === '' || body.trim() === '') return {};
  const json = parseText(body);
  if (binding.body === '*') return json;
  const field = desc.fields.find(({ name }) => name === binding.body);
  return { [field?.jsonName ?? binding.body]: json };
}

/** Sets the fields that don't come from the body. */
function* setParts(json: JsonObject, method: DescMethod, parts: RequestParts): Generator<FieldViolation> {
  const { binding, query, variables, conditions, resume } = parts;
  const { input } = method;
  yield* setQuery(json, input, { query, body: binding.body });
  yield* setConditions(json, { method, body: binding.body }, conditions);
  if (resume !== undefined) yield* setText(json, input, { path: resume.field, text: resume.token });
  for (const [path, text] of variables) yield* setText(json, input, { path, text, only: true });
}

/** A field whose path the contract itself names. */
interface Named {
  readonly path: string;
  readonly text: string;
  /** Whether another text in the rest of the request is refused. */
  readonly only?: boolean;
}

/** Sets a field. An instance with another version of the contract may lack it. */
function* setText(
  json: JsonObject,
  input: DescMessage,
  { path, text, only = false }: Named,
): Generator<FieldViolation> {
  const fields: DescField[] = [];
  let message: DescMessage | undefined = input;
  let sent: JsonValue | undefined = json;
  for (const name of path.split('.')) {
    const field: DescField | undefined = message?.fields.find((one) => one.name === name);
    if (field === undefined) {
      yield {
        field: path,
        description: 'is in the path, and the instance that was picked has no such field; try again',
      };
      return;
    }
    fields.push(field);
    sent = isObject(sent) ? memberOf(sent, field) : undefined;
    message = field.message;
  }
  const last = fields.at(-1);
  if (last === undefined) return;
  if (only && contradicts(last, String(sent ?? ''), text))
    yield {
      field: path,
      description: `is "${sent}", and "${text}" in the path of the URL; leave it out, or correct the URL`,
    };
  setField(json, fields, textToJson(last, text));
}

/** A number other than 0, as a path and a body write it alike. */
const DIGITS = /^-?[1-9]\d*$/;

/** Whether two texts of a field differ. An empty one is unset, and values such as fractions and enums have several texts. */
const contradicts = ({ scalar }: DescField, sent: string, text: string): boolean =>
  sent !== '' &&
  sent !== text &&
  (scalar === ScalarType.STRING || (scalar !== undefined && DIGITS.test(sent) && DIGITS.test(text)));
