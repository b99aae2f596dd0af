import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { FieldMaskSchema, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { didYouMean, listNames } from '@rondo/rpc/internal';
import type { FieldViolation } from '@rondo/rpc/status';
import { fieldNamed } from '@rondo/schema';
import { gatewayErrors } from '../errors.js';

/** The parameters of a query, in their order. */
export type QueryParameters = readonly (readonly [name: string, value: string])[];

/**
 * Parses a query.
 *
 * @throws RpcError `INVALID_ARGUMENT` that names a parameter which isn't UTF-8.
 */
export function parseQuery(query: string): QueryParameters {
  if (query === '') return [];
  if (/%[89a-f]/i.test(query)) for (const pair of query.split('&')) checkUtf8(pair);
  return [...new URLSearchParams(query)];
}

/** URLSearchParams decodes other bytes to U+FFFD, and leaves a percent sign alone that begins no escape. */
function checkUtf8(pair: string): void {
  try {
    decodeURIComponent(pair.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    const [field = ''] = new URLSearchParams(pair).keys();
    throw gatewayErrors.QUERY_NOT_UTF8({ field });
  }
}

/**
 * Sets the fields that a query names: `page_size=10`, `startDate.year=2026`, a list by repetition. Field names are as in the
 * contract or as in JSON.
 *
 * @param body the field that the body fills; `*` if it fills all.
 * @returns the parameters that can't be set.
 */
export function setQuery(
  target: JsonObject,
  desc: DescMessage,
  { query, body }: { readonly query: QueryParameters; readonly body: string },
): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  for (const [name, values] of valuesByName(query)) {
    const fault = setParameter(target, desc, { name, values, body });
    if (fault !== undefined) violations.push({ field: name, description: fault });
    if (violations.length >= MAX_VIOLATIONS) break;
  }
  return violations;
}

/** More of them are of no use to the caller, and their texts cost time. */
const MAX_VIOLATIONS = 100;

function valuesByName(query: QueryParameters): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of query) {
    const present = values.get(name);
    if (present === undefined) values.set(name, [value]);
    else present.push(value);
  }
  return values;
}

interface Parameter {
  readonly name: string;
  readonly values: readonly string[];
  readonly body: string;
}

/** Sets one field; returns why it can't be set. */
function setParameter(target: JsonObject, desc: DescMessage, { name, values, body }: Parameter): string | undefined {
  const found = body === '*' ? 'is in the query; this method takes all fields from the body' : pathTo(desc, name);
  if (typeof found === 'string') return found;
  if (found[0]?.name === body) return `is in the query; the body holds ${body}`;
  const field = found.at(-1);
  if (field !== undefined && hasPluses(field) && values.some((one) => one.includes(' ')))
    return 'has a space, which a + in a query stands for; write + as %2B';
  const value = jsonOf(field, values);
  if (value === undefined) return `is in the query ${values.length} times, and takes one value`;
  setField(target, found, value);
  return undefined;
}

/** A message may be nested 100 deep, and a query names a few fields. */
const MAX_DEPTH = 32;

/** The fields that lead to the one that a parameter names, or why it names none. */
function pathTo(desc: DescMessage, name: string): readonly DescField[] | string {
  const path: DescField[] = [];
  let message: DescMessage | undefined = desc;
  const parts = name.split('.');
  if (parts.length > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep; send less`;
  for (const part of parts) {
    if (message === undefined || hasOwnJson(message))
      return beyondQuery(path.at(-1)) ?? `is not a field; ${path.at(-1)?.name} has no fields in a query`;
    const field: DescField | undefined = fieldNamed(message, part);
    if (field === undefined) return unknownField(message, part);
    path.push(field);
    message = field.fieldKind === 'message' ? field.message : undefined;
  }
  return faultOf(path.at(-1)) ?? path;
}

function unknownField({ typeName, fields }: DescMessage, part: string): string {
  const names = fields.map(({ name }) => name);
  if (names.length === 0) return `is not a field of ${typeName}, which has none`;
  return `is not a field of ${typeName}; it has ${listNames(names)}.${didYouMean(part, names)}`;
}

/** Whether a query can hold a field as a parameter of its own. */
export const isInQuery = (field: DescField): boolean => faultOf(field) === undefined;

/** Why a field can't be in a query. */
function faultOf(field: DescField | undefined): string | undefined {
  const { message } = field ?? {};
  const beyond = beyondQuery(field);
  if (beyond !== undefined || message === undefined || isOneValue(message)) return beyond;
  return `is a message; name a field of it, such as ${field?.name}.${message.fields[0]?.name ?? '…'}`;
}

function beyondQuery(field: DescField | undefined): string | undefined {
  const isList = field?.fieldKind === 'list' && field.message !== undefined && !isOneValue(field.message);
  if (!isList && field?.fieldKind !== 'map') return undefined;
  const what = isList ? 'a list of messages' : 'a map';
  return `${field?.name} is ${what}, which a query can’t hold; call the method with a body, such as by Connect`;
}

const ONE_VALUE: ReadonlySet<string> = new Set([
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  'google.protobuf.FieldMask',
]);

/** Whether a message is one text in JSON. */
const isOneValue = (message: DescMessage) => ONE_VALUE.has(message.typeName) || isWrapperDesc(message);

/** Whether a message isn't an object of its fields in JSON, so that a query can't name one of them. */
export const hasOwnJson = ({ typeName }: DescMessage) => typeName.startsWith('google.protobuf.');

function jsonOf(field: DescField | undefined, values: readonly string[]): JsonValue | undefined {
  if (field?.fieldKind === 'list') return values.map((value) => textToJson(field, value));
  const [value, another] = values;
  return field === undefined || value === undefined || another !== undefined ? undefined : textToJson(field, value);
}

/** Whether a value may have a + and no space: an offset, or base64. */
const hasPluses = ({ message, scalar }: DescField) =>
  scalar === ScalarType.BYTES || /^google\.protobuf\.(?:Timestamp|BytesValue)$/.test(message?.typeName ?? '');

/** Text from a path or a query in the form that JSON has for the field. Numbers may be text in JSON too. */
export function textToJson({ name, message, enum: values, scalar }: DescField, text: string): JsonValue {
  // The fields of an `update_mask` are known, and have both of their names.
  if (message?.typeName === FieldMaskSchema.typeName && name !== 'update_mask')
    return text.replace(/_(.?)/g, (_, letter: string) => letter.toUpperCase());
  const type = message === undefined ? scalar : isWrapperDesc(message) ? message.fields[0].scalar : undefined;
  if (type === ScalarType.BOOL && (text === 'true' || text === 'false')) return text === 'true';
  return values !== undefined && /^-?\d{1,10}$/.test(text) ? Number(text) : text;
}

/**
 * Sets a field of a message in JSON, in place of what is there under either of its names. Nothing is set if something on
 * the way is no object; the check of the whole message reports that.
 */
export function setField(target: JsonObject, path: readonly DescField[], value: JsonValue): void {
  let object = target;
  for (const [index, { name, jsonName }] of path.entries()) {
    const present = memberOf(object, { name, jsonName });
    if (name !== jsonName) delete object[name];
    if (index === path.length - 1) {
      object[jsonName] = value;
    } else {
      const next = present ?? {};
      object[jsonName] = next;
      if (!isObject(next)) return;
      object = next;
    }
  }
}

/** A member of a message in JSON, under the name of its field in JSON or in the contract. */
export function memberOf(
  object: JsonObject,
  { name, jsonName }: Pick<DescField, 'name' | 'jsonName'>,
): JsonValue | undefined {
  return own(object, jsonName) ?? own(object, name);
}

/** A member of an object that was parsed, and not what every object inherits. */
export const own = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

export const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);
