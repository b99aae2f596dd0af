import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescOneof,
  getExtension,
  hasExtension,
  isMessage,
  type JsonValue,
  toJson,
} from '@bufbuild/protobuf';
import { isReflectList, isReflectMessage, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { extensionNamed } from './named.js';

/** A rule of `buf.validate` in a contract. */
export interface Rule {
  /** As in the contract, such as `string.min_len` or `repeated.items.string.uuid`; `cel` for an expression. */
  readonly name: string;
  /** The value in JSON: for an expression its text, for an enum the name. 64-bit integers are text. */
  readonly value: JsonValue;
}

/** The rules of a field. The contract of `buf.validate` is taken from the field's own imports. */
export const rulesOfField = (field: DescField): readonly Rule[] => rulesIn(field, field.parent.file, 'field');

/** The rules of a message over several of its fields. */
export const rulesOfMessage = (message: DescMessage): readonly Rule[] => rulesIn(message, message.file, 'message');

/** The rules of a oneof. */
export const rulesOfOneof = (oneof: DescOneof): readonly Rule[] => rulesIn(oneof, oneof.parent.file, 'oneof');

/** Rules as a reader sees them: `required, string.max_len = 200`; empty for none. */
export function formatRules(rules: readonly Rule[]): string {
  return rules.map(({ name, value }) => (value === true ? name : `${name} = ${formatValue(value)}`)).join(', ');
}

function formatValue(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function rulesIn(declaration: DescField | DescMessage | DescOneof, file: DescFile, name: string): readonly Rule[] {
  const options = declaration.proto.options;
  if (options === undefined) return [];
  const extension = extensionNamed(file, `buf.validate.${name}`);
  if (extension?.message === undefined || !hasExtension(options, extension)) return [];
  const value = getExtension(options, extension);
  return isMessage(value, extension.message) ? [...flatten(reflect(extension.message, value), '')] : [];
}

function* flatten(view: ReflectMessage, prefix: string): Generator<Rule> {
  for (const field of view.fields.filter((one) => view.isSet(one))) {
    const name = `${prefix}${field.name}`;
    const value = view.get(field);
    if (isReflectMessage(value)) yield* inMessage(value, name);
    else if (isReflectList(value)) yield* inList([...value], field, name);
    else yield { name, value: jsonOf(value, field.enum) };
  }
}

function* inMessage(value: ReflectMessage, name: string): Generator<Rule> {
  if (value.desc.typeName.startsWith('buf.validate.')) yield* flatten(value, `${name}.`);
  else yield { name, value: toJson(value.desc, value.message) };
}

/** Expressions are rules one by one; other lists are the values of one rule. */
function* inList(values: readonly unknown[], field: DescField, name: string): Generator<Rule> {
  const messages = values.filter((value) => isReflectMessage(value));
  const json = messages.map(({ desc, message }) => toJson(desc, message));
  if (field.message?.typeName === 'buf.validate.Rule') {
    for (const one of json) yield { name, value: textOf(one) };
  } else if (messages.length > 0) yield { name, value: json };
  else yield { name, value: values.map((value) => jsonOf(value, field.enum)) };
}

function textOf(rule: JsonValue): JsonValue {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return rule;
  return rule['message'] ?? rule['expression'] ?? '';
}

function jsonOf(value: unknown, values: DescEnum | undefined): JsonValue {
  if (values !== undefined) return values.values.find(({ number }) => number === value)?.name ?? Number(value);
  if (value instanceof Uint8Array) return base64Encode(value);
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : String(value);
}
