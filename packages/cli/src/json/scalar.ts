import { type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { numberText, withPlainNumbers } from './parse.js';

/** What a value was read as, or what would have been right. */
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
/** Digits with a zero fraction or an exponent also name whole numbers: `2.0`, `1e3`. */
const DECIMAL = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

function checkInteger(json: JsonValue, { min, max }: { readonly min: bigint; readonly max: bigint }): Checked {
  const text = numberText(json) ?? (typeof json === 'string' ? json : undefined);
  const value = text === undefined ? undefined : toInteger(text);
  if (value === undefined || value < min || value > max)
    return { ok: false, rule: `a whole number from ${min} to ${max}` };
  return { ok: true, value: String(value) };
}

/** The whole number that `text` names exactly; undefined where it names none. */
function toInteger(text: string): bigint | undefined {
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

/** How a value that is refused is shown: as it was written, shortened. */
export function show(json: JsonValue): string {
  const text = numberText(json) ?? JSON.stringify(withPlainNumbers(json));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
