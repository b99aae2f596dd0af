import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { type Rule, rulesOfField } from '@rondo/schema/form';
import type { Schema } from './model.js';

/** Whether a field has a rule of `buf.validate` that needs no value. */
export const hasRule = (field: DescField, name: string): boolean =>
  rulesOfField(field).some((rule) => rule.name === name && rule.value === true);

/**
 * The part of a field's rules that JSON Schema can express; the field's description lists all rules. If the rules
 * exempt a value, such as an empty text, a keyword would refuse it, so the field gets no keyword.
 */
export function keywordsOf(rules: readonly Rule[], field: DescField): Schema {
  if (rules.some(({ name }) => name === 'ignore')) return {};
  const keywords: Schema = Object.assign({}, ...rules.map((rule) => keywordOf(rule, field)));
  const { minimum, exclusiveMinimum = minimum, maximum, exclusiveMaximum = maximum, ...others } = keywords;
  // With bounds in reverse order, the value lies outside of them.
  return (exclusiveMinimum ?? 0) > (exclusiveMaximum ?? Number.POSITIVE_INFINITY) ? others : keywords;
}

function keywordOf({ name, value }: Rule, { scalar, fieldKind }: DescField): Schema {
  const keyword = KEYWORDS.get(name.replace(NUMERIC, 'number.'));
  if (keyword === undefined) return {};
  // A 64-bit integer is text in JSON, for which there is no least and greatest.
  if (name.match(NUMERIC) && (fieldKind !== 'scalar' || !IN_JSON_NUMBERS.has(scalar))) return {};
  return keyword(typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value);
}

const NUMERIC = /^(?:s?fixed32|s?int32|uint32)\./;
const IN_JSON_NUMBERS: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT32,
  ScalarType.SINT32,
  ScalarType.SFIXED32,
  ScalarType.UINT32,
  ScalarType.FIXED32,
]);

type Keyword = (value: unknown) => Schema;

const number =
  (keyword: keyof Schema): Keyword =>
  (value) =>
    typeof value === 'number' ? { [keyword]: value } : {};
const format =
  (name: string): Keyword =>
  (value) =>
    value === true ? { format: name } : {};

/** JSON Schema counts the length of a text in code points, as the rules do. */
const KEYWORDS: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  ['number.gte', number('minimum')],
  ['number.gt', number('exclusiveMinimum')],
  ['number.lte', number('maximum')],
  ['number.lt', number('exclusiveMaximum')],
  ['string.min_len', number('minLength')],
  ['string.max_len', number('maxLength')],
  ['string.pattern', (value) => (isPattern(value) ? { pattern: value } : {})],
  ['string.email', format('email')],
  ['string.hostname', format('hostname')],
  ['string.ipv4', format('ipv4')],
  ['string.ipv6', format('ipv6')],
  ['string.uri', format('uri')],
  ['string.uri_ref', format('uri-reference')],
  ['string.uuid', format('uuid')],
  ['repeated.min_items', number('minItems')],
  ['repeated.max_items', number('maxItems')],
  ['repeated.unique', (value) => (value === true ? { uniqueItems: true } : {})],
  ['map.min_pairs', number('minProperties')],
  ['map.max_pairs', number('maxProperties')],
]);

/** Whether a pattern of RE2 is one of JavaScript too, which JSON Schema has. */
function isPattern(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    return new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
