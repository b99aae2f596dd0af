/** The conditions under which a value violates the standard rules of `buf.validate`, as code over the objects of ts-proto. */
import { isFieldSet } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import {
  type BoolRules,
  type DurationRules,
  type EnumRules,
  type FieldRules,
  FieldRulesSchema,
  type MapRules,
  type RepeatedRules,
  type TimestampRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { type Asked, bytes, type Conditions, type Context, counted, membership, string } from './string-conditions.js';

/**
 * The conditions in the order in which protovalidate checks them, each with the id of its rule and what the value must be.
 * `needsProtovalidate` has excluded what isn't compiled here.
 */
export function conditionsOf(type: FieldRules['type'], context: Context) {
  if (type.case === undefined) return [];
  const rules = FieldRulesSchema.field[type.case].message;
  const has = (name: string) => {
    const field = rules?.field[name];
    return field !== undefined && isFieldSet(type.value, field);
  };
  return [...compile(type, { ...context, has })].map(([rule, when, text]) => ({
    /** An expression that is true if the value violates the rule. */
    when,
    rule: `${type.case}.${rule}`,
    text,
  }));
}

function compile(type: FieldRules['type'] & { case: string }, asked: Asked): Conditions {
  switch (type.case) {
    case 'bool':
      return bool(type.value, asked);
    case 'string':
      return string(type.value, asked);
    case 'bytes':
      return bytes(type.value, asked);
    case 'enum':
      return enumeration(type.value, asked);
    case 'repeated':
      return repeated(type.value, asked);
    case 'map':
      return map(type.value, asked);
    case 'duration':
    case 'timestamp':
      return span(type.value, asked);
    case 'any':
    case 'fieldMask':
      throw new TypeError(`rules of ${type.case} aren't compiled`);
    default:
      return numeric(type.value, asked);
  }
}

function* bool(rules: BoolRules, { has, value }: Asked): Conditions {
  if (has('const')) yield ['const', `${value} !== ${rules.const}`, `must equal ${rules.const}`];
}

interface NumericRules {
  readonly const: number | bigint;
  readonly greaterThan: Bound<number | bigint>;
  readonly lessThan: Bound<number | bigint>;
  readonly in: readonly (number | bigint)[];
  readonly notIn: readonly (number | bigint)[];
  /** Of a `float` and a `double`. */
  readonly finite?: boolean;
}

type Bound<T> =
  | { readonly case: 'gt' | 'gte' | 'lt' | 'lte'; readonly value: T }
  | { readonly case: undefined; readonly value?: undefined };

function* numeric(rules: NumericRules, { has, value, constant }: Asked): Conditions {
  const among = (values: readonly (number | bigint)[]) => {
    const literals = values.filter((one) => !Number.isNaN(one)).map(literal);
    return `${constant(`new globalThis.Set<unknown>([${literals.join(', ')}])`)}.has(${value})`;
  };
  if (has('const')) yield ['const', `${value} !== ${literal(rules.const)}`, `must equal ${rules.const}`];
  const { greaterThan: lower, lessThan: upper } = rules;
  yield* range({ lower, upper }, value, {
    shown: String,
    of: literal,
    compare: (one) => one,
    isFloat: 'finite' in rules,
  });
  yield* membership(rules, among);
  if (has('finite') && rules.finite) yield ['finite', `!globalThis.Number.isFinite(${value})`, 'must be finite'];
}

/** How a range is shown in texts. */
interface Shown<T> {
  readonly shown: (value: T) => string;
  /** The code of a value. */
  readonly of: (value: T) => string;
  readonly compare: (value: T) => number | bigint;
  readonly isFloat?: boolean;
}

/** A lower bound, an upper one, or both. With both in reverse order, the value must not lie between them. */
function* range<T>(
  { lower, upper }: { readonly lower: Bound<T>; readonly upper: Bound<T> },
  value: string,
  { shown, of, compare, isFloat = false }: Shown<T>,
): Conditions {
  const below = lower.case && `${value} ${lower.case === 'gt' ? '<=' : '<'} ${of(lower.value)}`;
  const above = upper.case && `${value} ${upper.case === 'lt' ? '>=' : '>'} ${of(upper.value)}`;
  const nan = isFloat ? `globalThis.Number.isNaN(${value}) || ` : '';
  const least = lower.case && `greater than ${lower.case === 'gte' ? 'or equal to ' : ''}${shown(lower.value)}`;
  const most = upper.case && `less than ${upper.case === 'lte' ? 'or equal to ' : ''}${shown(upper.value)}`;
  if (lower.case && upper.case) {
    const ordered = compare(upper.value) >= compare(lower.value);
    const [rule, both] = [`${lower.case}_${upper.case}`, ordered ? `${below} || ${above}` : `(${below} && ${above})`];
    yield [ordered ? rule : `${rule}_exclusive`, `${nan}${both}`, `must be ${least} ${ordered ? 'and' : 'or'} ${most}`];
  } else if (lower.case) yield [lower.case, `${nan}${below}`, `must be ${least}`];
  else if (upper.case) yield [upper.case, `${nan}${above}`, `must be ${most}`];
}

function* enumeration(rules: EnumRules, { has, value, constant, values }: Asked): Conditions {
  const among = (numbers: readonly number[]) =>
    `${constant(`new globalThis.Set<unknown>([${numbers.join(', ')}])`)}.has(${value})`;
  if (rules.definedOnly) yield ['defined_only', `!${among(values)}`, 'must be one of the defined enum values'];
  if (has('const')) yield ['const', `${value} !== ${rules.const}`, `must equal ${rules.const}`];
  yield* membership(rules, among);
}

function* repeated(rules: RepeatedRules, { has, value }: Asked): Conditions {
  const { minItems, maxItems } = rules;
  if (has('minItems'))
    yield ['min_items', `${value}.length < ${minItems}`, `must contain at least ${counted(minItems, 'item')}`];
  if (has('maxItems'))
    yield ['max_items', `${value}.length > ${maxItems}`, `must contain no more than ${counted(maxItems, 'item')}`];
  if (rules.unique) yield ['unique', `!$v.isUnique(${value})`, 'must contain unique items'];
}

function* map(rules: MapRules, { has, value }: Asked): Conditions {
  const { minPairs, maxPairs } = rules;
  const size = `$v.entriesOf(${value}).length`;
  if (has('minPairs'))
    yield ['min_pairs', `${size} < ${minPairs}`, `must have at least ${counted(minPairs, 'entry', 'entries')}`];
  if (has('maxPairs'))
    yield ['max_pairs', `${size} > ${maxPairs}`, `must have at most ${counted(maxPairs, 'entry', 'entries')}`];
}

const NOW = '$v.nanosOf(new globalThis.Date())';

/** Durations and timestamps. `value` is a number of nanoseconds. */
function* span(rules: DurationRules | TimestampRules, { value }: Asked): Conditions {
  const of = (one: Seconds) => `${nanosOf(one)}n`;
  const shown = (one: Seconds) => `${Number(one.seconds) + one.nanos / 1e9} s`;
  const [lower, upper] = [boundOf(rules.greaterThan), boundOf(rules.lessThan)];
  if (rules.const) yield ['const', `${value} !== ${of(rules.const)}`, `must equal ${shown(rules.const)}`];
  if (rules.lessThan.case === 'ltNow' && rules.lessThan.value)
    yield ['lt_now', `${value} > ${NOW}`, 'must be less than now'];
  yield* range({ lower, upper }, value, { shown, of, compare: nanosOf });
  if (rules.greaterThan.case === 'gtNow' && rules.greaterThan.value) {
    yield ['gt_now', `${value} < ${NOW}`, 'must be greater than now'];
  }
  if ('within' in rules && rules.within !== undefined) {
    const far = nanosOf(rules.within);
    yield [
      'within',
      `${value} < ${NOW} - ${far}n || ${value} > ${NOW} + ${far}n`,
      `must be within ${shown(rules.within)} of now`,
    ];
  }
  if ('in' in rules) yield* membership(rules, (values) => `[${values.map(of).join(', ')}].includes(${value})`, shown);
}

type Seconds = Pick<Duration, 'seconds' | 'nanos'>;

/** A bound by a value, and not by the present. */
const boundOf = (bound: DurationRules['lessThan' | 'greaterThan'] | TimestampRules['lessThan' | 'greaterThan']) =>
  bound.case === 'ltNow' || bound.case === 'gtNow' ? NO_BOUND : bound;
const NO_BOUND = { case: undefined };

const nanosOf = (one: Seconds) => one.seconds * 1_000_000_000n + BigInt(one.nanos);

function literal(value: number | bigint): string {
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}
