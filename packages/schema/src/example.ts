import { type DescEnum, type DescField, type DescMessage, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { type Limits, limitsOf, listed, numberFor, textFor } from './example-value.js';
import { rulesOfField } from './rules.js';

/** What an example is like. */
export interface ExampleOptions {
  /** Whether 64-bit integers are text, as in canonical JSON. Numbers by default. */
  readonly integersAsText?: boolean;
  /** Whether a field stays out. None by default. */
  readonly without?: (field: DescField) => boolean;
  /** Whether a field must be set, besides those that must be by their rules. */
  readonly isRequired?: (field: DescField) => boolean;
}

/** How deep nested messages are filled: a message may contain itself. Below, they have only what their rules ask for. */
const MAX_DEPTH = 2;
const MAX_RULED_DEPTH = 8;
const MAX_FIELDS = 500;
const MAX_ITEMS = 10;

/**
 * An example of a message in JSON with every field: the first of each oneof, one element of each list. The rules of
 * `buf.validate` accept it, unless they are expressions or rare.
 */
export const exampleOf = (desc: DescMessage, options: ExampleOptions = {}): JsonValue =>
  exampleOfMessage(desc, new Map(), placeOf(options));

/** An example of a field in JSON, as {@link exampleOf} has it. */
export const exampleOfField = (field: DescField, options: ExampleOptions = {}): JsonValue =>
  exampleOfAll(field, placeOf(options));

/** Where a value stands: in how many messages, and how many fields the whole example may still have. */
interface Place extends ExampleOptions {
  readonly depth: number;
  readonly room: { fields: number };
}

const placeOf = (options: ExampleOptions): Place => ({ ...options, depth: 0, room: { fields: MAX_FIELDS } });

function isShown(field: DescField, { without, room, depth }: Place): boolean {
  if (without?.(field) || room.fields === 0) return false;
  room.fields -= 1;
  if (depth < MAX_DEPTH) return true;
  const limits = limitsOf(rulesOfField(field));
  if (field.message === undefined) return limits.size > 0;
  return depth < MAX_RULED_DEPTH && ['required', 'min_items', 'min_pairs'].some((name) => limits.has(name));
}

function exampleOfAll(field: DescField, place: Place): JsonValue {
  const rules = rulesOfField(field);
  const own = limitsOf(rules);
  if (field.fieldKind === 'list') {
    const items = limitsOf(rules, 'repeated.items.');
    if (own.has('unique'))
      return different(own.get('min_items'), items, (limits) => exampleOfOne(field, limits, place));
    const one = exampleOfOne(field, items, place);
    return Array.from({ length: countOf(own.get('min_items')) }, () => one);
  }
  if (field.fieldKind === 'map') {
    const key = (limits: Limits) => exampleOfScalar(field.mapKey, limits, place);
    const keys = different(own.get('min_pairs'), limitsOf(rules, 'map.keys.'), key);
    const one = exampleOfOne(field, limitsOf(rules, 'map.values.'), place);
    return Object.fromEntries(keys.map((name) => [name === '' ? 'key' : String(name), one]));
  }
  return exampleOfOne(field, place.isRequired?.(field) ? new Map([...own, ['required', true]]) : own, place);
}

const countOf = (least: JsonValue | undefined) => Math.min(Number(least ?? 1), MAX_ITEMS);

/** The given number of values by the same rules, each different from those before it. */
function different(least: JsonValue | undefined, limits: Limits, make: (limits: Limits) => JsonValue): JsonValue[] {
  const made: JsonValue[] = [];
  const refused = listed(limits, ['not_in']);
  while (made.length < countOf(least)) made.push(make(new Map([...limits, ['not_in', [...refused, ...made]]])));
  return made;
}

function exampleOfOne({ message, enum: values, scalar }: DescField, limits: Limits, place: Place): JsonValue {
  if (values !== undefined) return exampleOfEnum(values, limits);
  return message ? exampleOfMessage(message, limits, place) : exampleOfScalar(scalar, limits, place);
}

function exampleOfMessage(desc: DescMessage, limits: Limits, place: Place): JsonValue {
  if (isWrapperDesc(desc)) return exampleOfScalar(desc.fields[0]?.scalar, limits, place);
  const known = WELL_KNOWN.get(desc.typeName);
  if (known !== undefined) return known(limits);
  const fields = desc.members.flatMap((member) => (member.kind === 'oneof' ? member.fields.slice(0, 1) : [member]));
  const shown = fields.filter((field) => isShown(field, place));
  return Object.fromEntries(
    shown.map((field) => [field.jsonName, exampleOfAll(field, { ...place, depth: place.depth + 1 })]),
  );
}

/** The first value other than 0, which is `…_UNSPECIFIED`, that the rules accept. */
function exampleOfEnum({ values }: DescEnum, limits: Limits): JsonValue {
  const refused = new Set(listed(limits, ['not_in']));
  const open = values.filter(({ name }) => !refused.has(name)).map(({ number }) => number);
  const wanted = Number(numberFor(limits, { usual: [...open.filter(Boolean), 0] }));
  return values.find(({ number }) => number === wanted)?.name ?? wanted;
}

function exampleOfScalar(type: ScalarType | undefined, limits: Limits, { integersAsText }: ExampleOptions): JsonValue {
  if (type === undefined || type === ScalarType.STRING) return textFor(limits);
  if (type === ScalarType.BOOL) return limits.get('const') ?? limits.has('required');
  if (type === ScalarType.BYTES) return listed(limits)[0] ?? base64Encode(new TextEncoder().encode(textFor(limits)));
  if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) return numberFor(limits, { usual: [1, 0, 2] });
  const value = numberFor(limits, { usual: [1, 0, 2], isWhole: true });
  const isText = Number.isSafeInteger(Number(value)) ? integersAsText && LONG.has(type) : true;
  return isText ? String(value) : Number(value);
}

const LONG: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);

const DURATION = {
  usual: [1.5],
  read: (text: JsonValue) => Number.parseFloat(String(text)),
  write: (seconds: number) => `${seconds}s`,
};
const TIMESTAMP = {
  usual: ['2026-01-31T09:30:00Z', '1970-01-01T00:00:00Z'].map((time) => Date.parse(time)),
  read: (text: JsonValue) => Date.parse(String(text)),
  write: (time: number) => new Date(time).toISOString().replace('.000Z', 'Z'),
};
/** Of messages that have a form, or rules that every service knows, of their own. */
const WELL_KNOWN: ReadonlyMap<string, (limits: Limits) => JsonValue> = new Map<string, (limits: Limits) => JsonValue>([
  ['google.protobuf.Duration', (limits) => numberFor(limits, DURATION)],
  ['google.protobuf.Timestamp', (limits) => (limits.has('gt_now') ? FUTURE : numberFor(limits, TIMESTAMP))],
  ['google.protobuf.FieldMask', (limits) => limits.get('const') ?? ''],
  ['google.protobuf.Any', () => ({})],
  ['google.protobuf.Struct', () => ({})],
  ['google.protobuf.Value', () => ({})],
  ['google.protobuf.ListValue', () => []],
  ['google.type.Date', () => ({ year: 2026, month: 2, day: 2 })],
  ['google.type.Decimal', () => ({ value: '1.5' })],
  ['google.type.Money', () => ({ currencyCode: 'EUR', units: '1' })],
]);
const FUTURE = '2100-01-01T00:00:00Z';
