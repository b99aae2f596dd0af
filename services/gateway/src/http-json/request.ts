import {
  type DescMessage,
  type DescMethod,
  fromJson,
  fromJsonString,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { type FieldViolation, invalidArgument } from '@rondo/rpc/status';
import { checkJson, parseJson, whyUnparsed } from '@rondo/schema';
import type { HttpBinding } from '@rondo/schema/http';
import { MAX_JSON_VALUES } from '../protocols/codec.js';
import { type Conditions, setConditions } from './conditions.js';
import { factsOf } from './facts.js';
import { impliedMask, setMask } from './field-mask.js';
import { beyondNumbers } from './json.js';
import { isObject, type QueryParameters, setField, setQuery, textToJson } from './query.js';

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

/** A number that JSON.parse may round, and an escape of a digit, which may be a part of one. */
const LONG_NUMBER = /\d{16}|\d[eE]|\\u003/i;

/**
 * Encodes the request message that an HTTP request stands for.
 *
 * Sources: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto,
 * https://protobuf.dev/programming-guides/json/
 *
 * @throws RpcError `INVALID_ARGUMENT` with every field that is wrong.
 */
export function encodeRequest(method: DescMethod, parts: RequestParts): Uint8Array {
  const { body } = parts;
  const unparsed = whyUnparsed(body, MAX_JSON_VALUES);
  // @cause The body has more values, or is nested deeper, than the gateway reads.
  // @remedy Send less at a time.
  if (unparsed !== undefined) throw invalidArgument([{ field: 'the body', description: `${unparsed}; send less` }]);
  const simple = isBodyOnly(parts) && !LONG_NUMBER.test(body) && !factsOf(method.input).wellKnown;
  const message = simple ? readSimple(method.input, parts) : undefined;
  return toBinary(method.input, message ?? readMessage(method, parts));
}

/** Whether the body is the whole request message. */
function isBodyOnly({ binding, variables, query, conditions, resume, body }: RequestParts): boolean {
  const { etag, requestId } = conditions;
  const filled = variables.size > 0 || query.length > 0 || (etag ?? requestId ?? resume) !== undefined;
  return binding.body === '*' && !filled && body !== '';
}

/** Undefined if the text isn't such a message: then {@link readMessage} finds all the reasons. */
function readSimple(desc: DescMessage, { body, types }: RequestParts): Message | undefined {
  try {
    return fromJsonString(desc, body, { registry: types });
  } catch {
    return undefined;
  }
}

function readMessage(method: DescMethod, parts: RequestParts): Message {
  const { binding, types, int64AsNumber } = parts;
  const { input } = method;
  const json = bodyJson(input, parts);
  const violations = isObject(json) ? [...setParts(json, method, parts)] : [];
  const mask = isObject(json) && binding.verb === 'PATCH' ? impliedMask(input, json, binding.body) : undefined;
  const checked = checkJson(input, json, { registry: types, unnamedNumbers: true });
  const faults = [...violations, ...checked.violations];
  // @text <field>: <rule and remedy>; <field>: …
  // @cause Fields of the path, query or body are unknown, or have values that their types can't have. HTTP 400.
  // @remedy Correct the fields that are named.
  if (faults.length > 0) throw invalidArgument(faults);
  const message = fromChecked(input, checked.value, types);
  if (mask !== undefined) setMask(input, message, mask);
  const beyond = int64AsNumber ? beyondNumbers(input, message, types) : [];
  // @text <field>: is <value>; this method's 64-bit integers are JSON numbers, from -<limit> to <limit>
  // @cause The contract says `int64_as_number` for the method, and the request has an integer beyond ±2^53.
  // @remedy Call the method by gRPC. If such values occur, take the option out of the contract.
  if (beyond.length > 0) throw invalidArgument(beyond);
  return message;
}

function bodyJson(desc: DescMessage, { binding, body }: RequestParts): JsonValue {
  if (binding.body === '' || body.trim() === '') return {};
  const json = parse(body);
  if (binding.body === '*') return json;
  const field = desc.fields.find(({ name }) => name === binding.body);
  return { [field?.jsonName ?? binding.body]: json };
}

function parse(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // @cause The body is no JSON.
    // @remedy Correct the JSON at the position that the text names.
    throw invalidArgument([{ field: 'the body', description: error.message.replace(/^the request /, '') }]);
  }
}

/** Sets what comes from outside the body. */
function* setParts(json: JsonObject, method: DescMethod, parts: RequestParts): Generator<FieldViolation> {
  const { binding, query, variables, conditions, resume } = parts;
  const { input } = method;
  yield* setQuery(json, input, { query, body: binding.body });
  yield* setConditions(json, { method, body: binding.body }, conditions);
  if (resume !== undefined) yield* setText(json, input, [resume.field, resume.token]);
  for (const variable of variables) yield* setText(json, input, variable);
}

/** Sets a field whose path the contract itself names. An instance with another version may lack it. */
function* setText(
  json: JsonObject,
  input: DescMessage,
  [path, text]: readonly [path: string, text: string],
): Generator<FieldViolation> {
  const fields = [];
  let message: DescMessage | undefined = input;
  for (const name of path.split('.')) {
    const field: DescMessage['fields'][number] | undefined = message?.fields.find((one) => one.name === name);
    if (field === undefined) {
      yield {
        field: path,
        description: 'is in the path, and the instance that was picked has no such field; try again',
      };
      return;
    }
    fields.push(field);
    message = field.message;
  }
  const last = fields.at(-1);
  if (last !== undefined) setField(json, fields, textToJson(last, text));
}

function fromChecked(desc: DescMessage, value: JsonValue, registry: Registry): Message {
  try {
    return fromJson(desc, value, { registry });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // @cause The request's JSON isn't that of its message, in a way that no field shows.
    // @remedy Compare the JSON with the gateway's OpenAPI document.
    throw invalidArgument([{ field: 'the request', description: reason }]);
  }
}
