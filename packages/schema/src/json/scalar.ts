import { type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { numberText, withPlainNumbers } from './parse.js';

/** The value in the form that protobuf-es reads, or the rule that it breaks. */
export type Checked = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly rule: string };

const INT32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const UINT32 = { min: 0n, max: 2n ** 32n - 1n };
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64 = { min: 0n, max: 2n ** 64n - 1n };
const MAX_FLOAT = 2 ** 127 * (2 - 2 ** -23);

/** Checks a scalar by proto3's rules for JSON. Source: https://protobuf.dev/programming-guides/json/ */
export function checkScalar(type: ScalarType, json: JsonValue): Checked {
  switch (type) {
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return checkInteger(json, INT32);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return checkInteger(json, UINT32);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return checkInteger(json, INT64);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return checkInteger(json, UINT64);
    case ScalarType.FLOAT:
      return checkFloat(json, MAX_FLOAT);
    case ScalarType.DOUBLE:
      return checkFloat(json, Number.MAX_VALUE);
    case ScalarType.BOOL:
      return typeof json === 'boolean' ? { ok: true, value: json } : { ok: false, rule: 'true or false' };
    case ScalarType.STRING:
      return isText(json) ? { ok: true, value: json } : { ok: false, rule: 'text in quotes' };
    case ScalarType.BYTES:
      return isText(json) && BASE64.test(json)
        ? { ok: true, value: json }
        : { ok: false, rule: 'bytes in base64, in quotes' };
  }
}

const BASE64 = /^[\w+/-]*={0,2}$/;
const INTEGER = /^-?\d+$/;
/** Digits with a zero fraction or an exponent are whole numbers too: `2.0`, `1e3`. */
const DECIMAL = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

function checkInteger(json: JsonValue, { min, max }: { readonly min: bigint; readonly max: bigint }): Checked {
  // Numbers in JSON's text aren't rounded: only a program can pass such a number.
  if (typeof json === 'number' && Math.abs(json) > Number.MAX_SAFE_INTEGER) {
    return { ok: false, rule: 'a bigint or a text, as JavaScript has rounded a number of this size' };
  }
  const text = numberText(json) ?? (typeof json === 'string' ? json : undefined);
  const value = text === undefined ? undefined : toInteger(text);
  if (value === undefined || value < min || value > max)
    return { ok: false, rule: `a whole number from ${min} to ${max}` };
  return { ok: true, value: String(value) };
}

/** Longer texts aren't read as whole numbers, because the time for that grows with the square. A sensible one is shorter. */
const MAX_DIGITS = 1_000;

/** The whole number that `text` represents exactly; undefined if it represents none. */
function toInteger(text: string): bigint | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  if (INTEGER.test(text)) return BigInt(text);
  const [, whole, fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const shift = Number(exponent) - fraction.length;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

function checkFloat(json: JsonValue, max: number): Checked {
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return { ok: true, value: json };
  if (typeof json === 'number' && !Number.isFinite(json)) return { ok: true, value: String(json) };
  const text = numberText(json) ?? (typeof json === 'string' ? json : '');
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(value) <= max)) {
    return { ok: false, rule: `a number from ${-max} to ${max}, "NaN", "Infinity" or "-Infinity"` };
  }
  return { ok: true, value };
}

function isText(json: JsonValue): json is string {
  return typeof json === 'string' && numberText(json) === undefined;
}

/** A refused value for an error message: as it was written, shortened. */
export function show(json: JsonValue): string {
  const text = numberText(json) ?? JSON.stringify(withPlainNumbers(json));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const DURATION = /^-?\d+(?:\.\d{1,9})?s$/;
/** Of whole seconds. Source: google/protobuf/duration.proto */
const MAX_DURATION_S = 315_576_000_000;

type Check = (json: JsonValue) => Checked;

/** The checks of the types that have their own form in proto3 JSON. */
export const wellKnownTypes: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['google.protobuf.Timestamp', checkTimestamp],
  ['google.protobuf.Duration', checkDuration],
  ['google.protobuf.FieldMask', checkFieldMask],
  ['google.protobuf.Struct', checkStruct],
  ['google.protobuf.ListValue', checkList],
  ['google.protobuf.Value', (json) => ({ ok: true, value: withPlainNumbers(json) })],
]);

/** Also refuses dates that the calendar doesn't have: Date.parse reads some of them as other dates. */
function checkTimestamp(json: JsonValue): Checked {
  const rule = 'a time by RFC 3339 in quotes, such as "2026-11-20T08:30:00Z"';
  const [, year, month, day, ...clock] = (typeof json === 'string' ? RFC3339.exec(json) : undefined) ?? [];
  if (year === undefined || typeof json !== 'string') return { ok: false, rule };
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const [hour = 0, minute = 0, second = 0] = clock.map(Number);
  const exists = date.getUTCMonth() === Number(month) - 1 && hour < 24 && minute < 60 && second < 60;
  return exists && !Number.isNaN(Date.parse(json)) ? { ok: true, value: json } : { ok: false, rule };
}

function checkDuration(json: JsonValue): Checked {
  const fits = typeof json === 'string' && DURATION.test(json) && Math.abs(Number.parseInt(json, 10)) <= MAX_DURATION_S;
  return fits ? { ok: true, value: json } : { ok: false, rule: 'seconds with an s in quotes, such as "1.5s"' };
}

function checkFieldMask(json: JsonValue): Checked {
  const fits = typeof json === 'string' && !json.includes('_');
  return fits ? { ok: true, value: json } : { ok: false, rule: 'field names with commas, such as "displayName,state"' };
}

function checkStruct(json: JsonValue): Checked {
  const fits = typeof json === 'object' && json !== null && !Array.isArray(json);
  return fits ? { ok: true, value: withPlainNumbers(json) } : { ok: false, rule: 'an object {…}' };
}

function checkList(json: JsonValue): Checked {
  return Array.isArray(json) ? { ok: true, value: withPlainNumbers(json) } : { ok: false, rule: 'a list […]' };
}
