import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { behaviorsOf, commentOf, exampleOfField, formatRules, rulesOfField } from '@rondo/schema/form';
import type { Schema } from './model.js';
import { hasRule, keywordsOf } from './rules.js';
import {
  ANY_SCHEMA,
  CONNECT_ERROR_SCHEMA,
  commonComment,
  statusSchema,
  wellKnownSchema,
  wrappedField,
} from './well-known.js';

/** How 64-bit integers are written: as text, as proto3 JSON has them, or as numbers. */
export type Integers = 'text' | 'numbers';

/** What a body leaves out of its message. */
export interface BodyOptions {
  readonly integers: Integers;
  /** Fields, by name, that the path fills. */
  readonly without: ReadonlySet<string>;
  /** Whether no field is required, as in a PATCH. */
  readonly partial: boolean;
}

/** The schemas of messages and enums as proto3 JSON. Each is a component that others refer to. */
export interface Schemas {
  message(desc: DescMessage, integers: Integers): Schema;
  /** With the field's comment and behaviour. */
  field(field: DescField, integers: Integers): Schema;
  /** The schema of a body that has some fields of a message. */
  body(desc: DescMessage, options: BodyOptions): Schema;
  /** By name: all that were referred to. */
  components(): Readonly<Record<string, Schema>>;
}

export const STATUS = 'google.rpc.Status';
export const CONNECT_ERROR = 'connect.Error';
const ANY = 'google.protobuf.Any';
const COMPONENTS = '#/components/schemas/';

export const referTo = (component: string): Schema => ({ $ref: COMPONENTS + component });

/**
 * @param place Where references look for components; by default in an OpenAPI document, which also has those of errors.
 */
export function createSchemas(place = COMPONENTS): Schemas {
  const found = new Map<string, Schema>();
  const unmade = new Map<string, () => Schema>();

  /** Refers to a component. It is made at the end, because messages may contain each other to any depth. */
  const component = (name: string, make: () => Schema): Schema => {
    if (!found.has(name) && !unmade.has(name)) unmade.set(name, make);
    return { $ref: place + name };
  };

  const fixed = new Map([
    [ANY, () => ANY_SCHEMA],
    [STATUS, () => statusSchema(component(ANY, () => ANY_SCHEMA))],
    [CONNECT_ERROR, () => CONNECT_ERROR_SCHEMA],
  ]);
  if (place === COMPONENTS) for (const [name, make] of fixed) component(name, make);

  const message = (desc: DescMessage, integers: Integers): Schema => {
    const { typeName } = desc;
    const wrapped = wrappedField(desc);
    if (wrapped !== undefined) return nullable(value(wrapped, integers));
    const known = wellKnownSchema(desc);
    if (known !== undefined) return known;
    const variant = integers === 'numbers' && holdsIntegers(desc) ? integers : 'text';
    const name = variant === 'numbers' ? `${typeName}-numbers` : typeName;
    const make = fixed.get(typeName);
    return component(name, make ?? (() => body(desc, { integers: variant, without: NONE, partial: false })));
  };

  const enumeration = (desc: DescEnum): Schema =>
    desc.typeName === 'google.protobuf.NullValue' ? { type: 'null' } : component(desc.typeName, () => enumSchema(desc));

  const value = ({ message: inner, enum: values, scalar }: DescField, integers: Integers): Schema => {
    if (inner !== undefined) return message(inner, integers);
    return values !== undefined ? enumeration(values) : scalarSchema(scalar, integers);
  };

  const field = (desc: DescField, integers: Integers): Schema => {
    const single = value(desc, integers);
    if (desc.fieldKind === 'list') return annotate({ type: 'array', items: single }, desc, integers);
    if (desc.fieldKind === 'map') return annotate({ type: 'object', additionalProperties: single }, desc, integers);
    return annotate(single, desc, integers);
  };

  const body = (desc: DescMessage, { integers, without, partial }: BodyOptions): Schema => {
    const fields = desc.fields.filter(({ name }) => !without.has(name));
    const required = partial ? [] : fields.filter(isRequired).map(({ jsonName }) => jsonName);
    const description = messageComment(desc, fields);
    return {
      type: 'object',
      ...(description !== '' && { description }),
      ...(desc.deprecated && { deprecated: true }),
      properties: Object.fromEntries(fields.map((one) => [one.jsonName, field(one, integers)])),
      ...(required.length > 0 && { required }),
    };
  };

  const components = () => {
    // The map grows during the iteration, which then visits the new entries too.
    for (const [name, make] of unmade) found.set(name, make());
    return Object.fromEntries([...found].sort(byName));
  };

  return { message, field, body, components };
}

export const NONE: ReadonlySet<string> = new Set();

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) => (one < other ? -1 : 1);

/** The options of an example of a request: without `filled`, which the path has, and without what the server sets. */
export const requestExample = (
  integers: Integers,
  filled: readonly DescField[] = [],
): Parameters<typeof exampleOfField>[1] => ({
  integersAsText: integers === 'text',
  without: (field) => filled.includes(field) || behaviorsOf(field).has('OUTPUT_ONLY'),
  isRequired,
});

/** Whether a request must have a field, by its contract. */
export function isRequired(field: DescField): boolean {
  const required = field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  return required || behaviorsOf(field).has('REQUIRED') || hasRule(field, 'required');
}

/** A field's schema with what its contract says of it. */
function annotate(schema: Schema, field: DescField, integers: Integers): Schema {
  const behaviors = behaviorsOf(field);
  const comment = commentOf(field) || (commonComment(`${field.parent.typeName}.${field.name}`) ?? '');
  const immutable = behaviors.has('IMMUTABLE') ? 'Can’t be changed later.' : '';
  const rules = rulesOfField(field);
  const described = [comment, schema.description, immutable].filter(Boolean).join(' ');
  const description = [described, rules.length > 0 && `Rules: \`${formatRules(rules)}\`.`].filter(Boolean).join('\n\n');
  return {
    ...schema,
    ...keywordsOf(rules, field),
    // From a pattern, and from a list of values, a page would make one that the service refuses.
    ...((LONG.has(field.scalar) || field.enum) && {
      examples: [exampleOfField(field, { integersAsText: integers === 'text' })],
    }),
    ...(description !== '' && { description }),
    ...(behaviors.has('OUTPUT_ONLY') && { readOnly: true }),
    ...(behaviors.has('INPUT_ONLY') && { writeOnly: true }),
    ...(field.deprecated && { deprecated: true }),
  };
}

/** The comment on a message, with a note on those of its fields of which at most one is set. */
function messageComment(desc: DescMessage, fields: readonly DescField[]): string {
  const comment = commentOf(desc) || (commonComment(desc.typeName) ?? '');
  const notes = desc.oneofs.map((oneof) => {
    const members = oneof.fields.filter((field) => fields.includes(field));
    return members.length < 2
      ? ''
      : `At most one of ${members.map(({ jsonName }) => `\`${jsonName}\``).join(', ')} is set.`;
  });
  return [comment, ...notes].filter(Boolean).join('\n\n');
}

function enumSchema(desc: DescEnum): Schema {
  const values = desc.values.map((value) => ({ name: value.name, comment: commentOf(value).replace(/\n+/g, ' ') }));
  const list = values.filter(({ comment }) => comment !== '').map(({ name, comment }) => `- \`${name}\`: ${comment}`);
  const description = [commentOf(desc), list.join('\n')].filter(Boolean).join('\n\n');
  return {
    type: 'string',
    ...(description !== '' && { description }),
    ...(desc.deprecated && { deprecated: true }),
    enum: values.map(({ name }) => name),
  };
}

const TEXT_INTEGER = String.raw`^-?\d+$`;
/** The integers that a JSON number holds without rounding. */
const SAFE = 2 ** 53;

/** Formats are those of https://spec.openapis.org/registry/format/. */
function scalarSchema(type: ScalarType | undefined, integers: Integers): Schema {
  switch (type) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.DOUBLE:
      return decimal('double');
    case ScalarType.FLOAT:
      return decimal('float');
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: 'integer', format: 'int32' };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', format: 'uint32', minimum: 0, maximum: 2 ** 32 - 1 };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      if (integers === 'text') return { type: 'string', format: 'int64', pattern: TEXT_INTEGER };
      return { type: 'integer', format: 'int64', minimum: -SAFE, maximum: SAFE };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      if (integers === 'text') return { type: 'string', format: 'uint64', pattern: String.raw`^\d+$` };
      return { type: 'integer', format: 'uint64', minimum: 0, maximum: SAFE };
    default:
      return { type: 'string' };
  }
}

/** JSON has no number for three values. */
const decimal = (format: string): Schema => ({
  oneOf: [
    { type: 'number', format },
    { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] },
  ],
});

function nullable(schema: Schema): Schema {
  if (schema.oneOf !== undefined) return { oneOf: [...schema.oneOf, { type: 'null' }] };
  return typeof schema.type === 'string' ? { ...schema, type: [schema.type, 'null'] } : schema;
}

const LONG: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);

const hasOwnForm = (desc: DescMessage) => wellKnownSchema(desc) !== undefined || desc.typeName === ANY;

const withIntegers = new WeakMap<DescMessage, boolean>();

/** Whether a message has a 64-bit integer, itself or in a message inside it. */
function holdsIntegers(desc: DescMessage): boolean {
  const holders = new Map<DescMessage, DescMessage[]>([[desc, []]]);
  const holding = new Set<DescMessage>();
  // Both grow during the iteration, which then visits the new entries too.
  for (const outer of withIntegers.has(desc) ? [] : holders.keys()) {
    for (const { message, scalar } of outer.fields) {
      if (LONG.has(scalar) || (message && withIntegers.get(message))) holding.add(outer);
      if (message === undefined || hasOwnForm(message) || withIntegers.has(message)) continue;
      holders.set(message, holders.get(message) ?? []);
      holders.get(message)?.push(outer);
    }
  }
  for (const inner of holding) for (const outer of holders.get(inner) ?? []) holding.add(outer);
  if (!withIntegers.has(desc)) for (const one of holders.keys()) withIntegers.set(one, holding.has(one));
  return withIntegers.get(desc) ?? false;
}
