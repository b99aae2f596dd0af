import { create, type DescField, type DescMessage, ScalarType, toJson } from '@bufbuild/protobuf';
import type { Validator } from '@bufbuild/protovalidate';
import { fieldName } from './names.js';

/** The fields that a create needs, each with its value as an expression, or with the kind of the resource that it refers to; and as JSON. */
export type Sample = readonly (readonly [key: string, value: string | { readonly refersTo: string }, json: unknown])[];

interface Needs {
  readonly validator: Validator;
  readonly isNeeded: (field: DescField) => boolean;
  readonly references: ReadonlyMap<string, string>;
}

/** A value as protobuf-es takes it, and as an expression. */
type Candidate = readonly [value: unknown, expression: string];

const quoted = (text: string): Candidate => [text, `'${text}'`];
const TEXTS = [
  'Ada',
  'ada@example.com',
  'https://rondo.example',
  '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10',
  'EUR',
  'a',
].map(quoted);
const DATE = [{ year: 2026, month: 1, day: 2 }, '{ year: 2026, month: 1, day: 2 }'] as const;
const MESSAGES: Readonly<Record<string, Candidate>> = {
  'google.protobuf.Timestamp': [{ seconds: 0n }, 'new Date(0)'],
  'google.protobuf.Duration': [{ seconds: 60n }, '{ seconds: 60n }'],
  'google.type.Date': DATE,
  'google.type.Decimal': [{ value: '2.5' }, "{ value: '2.5' }"],
  'google.type.Money': [{ currencyCode: 'EUR', units: 1n }, "{ currencyCode: 'EUR', units: 1n }"],
};
const LONG = [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64];

/** Values for what a resource needs, by its rules; undefined if none were found. */
export function sampleOf(desc: DescMessage, { validator, isNeeded, references }: Needs): Sample | undefined {
  const breaks = (value: Readonly<Record<string, unknown>>) => {
    const { violations = [] } = validator.validate(desc, create(desc, value));
    return violations.map(({ field: [first] }) => first);
  };
  const refused = breaks({});
  const needed = desc.fields.filter((field) => isNeeded(field) || refused.includes(field));
  const chosen = needed.map((field) => {
    const refersTo = references.get(fieldName(field.name));
    const fits = ([value]: Candidate) => !breaks({ [field.localName]: value }).includes(field);
    return { field, refersTo, candidate: refersTo === undefined ? candidatesFor(field).find(fits) : undefined };
  });
  if (chosen.some(({ refersTo, candidate }) => refersTo === undefined && candidate === undefined)) return undefined;
  const whole = Object.fromEntries(chosen.map(({ field, candidate }) => [field.localName, candidate?.[0]]));
  const left = breaks(whole).filter((first) => !chosen.some(({ field, refersTo }) => refersTo && field === first));
  if (left.length > 0) return undefined;
  return chosen.map(({ field, refersTo, candidate: [value, expression] = [undefined, ''] }) => {
    if (refersTo !== undefined) return [fieldName(field.name), { refersTo }, '…'];
    const [json] = Object.values(toJson(desc, create(desc, { [field.localName]: value })) ?? {});
    return [fieldName(field.name), expression, json];
  });
}

function candidatesFor(field: DescField): readonly Candidate[] {
  if (field.oneof !== undefined || field.fieldKind === 'map') return [];
  const single = singleFor(field);
  return field.fieldKind === 'list' ? single.map(([value, text]) => [[value], `[${text}]`]) : single;
}

function singleFor({ message, enum: values, scalar }: DescField): readonly Candidate[] {
  if (message !== undefined) return [MESSAGES[message.typeName] ?? [{}, '{}']];
  const [first] = values?.values.filter(({ number }) => number !== 0) ?? [];
  if (first !== undefined) return [[first.number, `${first.number}`]];
  if (scalar === ScalarType.STRING) return TEXTS;
  if (scalar === ScalarType.BOOL) return [[true, 'true']];
  if (scalar === ScalarType.BYTES) return [[new Uint8Array([1]), 'new Uint8Array([1])']];
  return [1, 10, 100].map((number) =>
    LONG.some((long) => long === scalar) ? [BigInt(number), `${number}n`] : [number, `${number}`],
  );
}
