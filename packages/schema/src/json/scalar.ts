import { type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { numberText, withPlainNumbers } from './parse.js';

/** A value as protobuf-es's messages have it, or the rule that the JSON breaks. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly rule: string };

/** A scalar as protobuf-es's messages have it. */
type Scalar = string | number | bigint | boolean | Uint8Array;

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

const signed = (bits: bigint): Range => ({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n });
const unsigned = (bits: bigint): Range => ({ min: 0n, max: 2n ** bits - 1n });
const [INT32, UINT32, INT64, UINT64] = [signed(32n), unsigned(32n), signed(64n), unsigned(64n)];
const { SINT32, SFIXED32, FIXED32, SINT64, SFIXED64, FIXED64 } = ScalarType;

/** The ranges of the integers. */
const RANGES = new Map<ScalarType, Range>([
  ...[ScalarType.INT32, SINT32, SFIXED32].map((type) => [type, INT32] as const),
  ...[ScalarType.UINT32, FIXED32].map((type) => [type, UINT32] as const),
  ...[ScalarType.INT64, SINT64, SFIXED64].map((type) => [type, INT64] as const),
  ...[ScalarType.UINT64, FIXED64].map((type) => [type, UINT64] as const),
]);

const MAX_FLOAT = 2 ** 127 * (2 - 2 ** -23);

/** Reads a scalar by proto3's rules for JSON. Source: https://protobuf.dev/programming-guides/json/ */
export function readScalar(type: ScalarType, json: JsonValue): Checked<Scalar> {
  const range = RANGES.get(type);
  if (range !== undefined) return readInteger(json, range);
  switch (type) {
    case ScalarType.FLOAT:
      return readFloat(json, Math.fround);
    case ScalarType.DOUBLE:
      return readFloat(json, Number);
    case ScalarType.BOOL:
      return typeof json === 'boolean' ? { ok: true, value: json } : { ok: false, rule: 'true or false' };
    case ScalarType.BYTES:
      return readBytes(json);
    default:
      return isText(json) ? { ok: true, value: json } : { ok: false, rule: 'text in quotes' };
  }
}

/** Reads the key of a map's entry. An integer has neither a fraction nor an exponent there. */
export function readKey(type: ScalarType, key: string): Checked<Scalar> {
  const range = RANGES.get(type);
  if (type === ScalarType.BOOL) {
    return key === 'true' || key === 'false'
      ? { ok: true, value: key === 'true' }
      : { ok: false, rule: '"true" or "false"' };
  }
  if (range === undefined) return { ok: true, value: key };
  const digits = range.min < 0n ? /^[+-]?\d+$/ : /^\d+$/;
  return digits.test(key)
    ? inRange(key.length > MAX_DIGITS ? undefined : BigInt(key.replace('+', '')), range)
    : { ok: false, rule: wholeNumber(range) };
}

/** Digits with a zero fraction or an exponent are whole numbers too: `2.0`, `1e3`. */
const DECIMAL = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

function readInteger(json: JsonValue, range: Range): Checked<Scalar> {
  // Numbers in JSON's text aren't rounded: only a program can pass such a number.
  if (typeof json === 'number' && Math.abs(json) > Number.MAX_SAFE_INTEGER) {
    return { ok: false, rule: 'a bigint or a text, as JavaScript has rounded a number of this size' };
  }
  const text = numberText(json) ?? (typeof json === 'string' ? json : undefined);
  return inRange(text === undefined ? undefined : toInteger(text), range);
}

function inRange(value: bigint | undefined, range: Range): Checked<Scalar> {
  if (value === undefined || value < range.min || value > range.max) return { ok: false, rule: wholeNumber(range) };
  return { ok: true, value: range === INT64 || range === UINT64 ? value : Number(value) };
}

const wholeNumber = ({ min, max }: Range) => `a whole number from ${min} to ${max}`;

/** Longer texts aren't read as whole numbers, because the time for that grows with the square. A sensible one is shorter. */
const MAX_DIGITS = 1_000;

/** The whole number that `text` represents exactly; undefined if it represents none. */
function toInteger(text: string): bigint | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  const [, whole, fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const shift = Number(exponent) - fraction.length;
  if (digits === 0n) return digits;
  if (Math.abs(shift) > MAX_DIGITS) return undefined;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

/** @param round to the nearest value of the type. */
function readFloat(json: JsonValue, round: (value: number) => number): Checked<Scalar> {
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return { ok: true, value: Number(json) };
  if (typeof json === 'number' && !Number.isFinite(json)) return { ok: true, value: json };
  const text = numberText(json) ?? (typeof json === 'string' ? json : '');
  const value = DECIMAL.test(text) ? round(Number(text)) : Number.NaN;
  if (Number.isFinite(value)) return { ok: true, value };
  const max = round === Number ? Number.MAX_VALUE : MAX_FLOAT;
  return { ok: false, rule: `a number from ${-max} to ${max}, "NaN", "Infinity" or "-Infinity"` };
}

function readBytes(json: JsonValue): Checked<Uint8Array> {
  if (!isText(json)) return { ok: false, rule: BASE64 };
  const value = Buffer.from(json, 'base64');
  return isPlainBase64(json, value.length) || isBase64(json) ? { ok: true, value } : { ok: false, rule: BASE64 };
}

const BASE64 = 'bytes in base64, in quotes';

/** Whether it is padded base64 of the first alphabet, in one line: the decoder leaves out what isn't base64. */
function isPlainBase64(text: string, bytes: number): boolean {
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  // The decoder knows only the lower byte of a character.
  const isAscii = Buffer.byteLength(text) === text.length;
  return isAscii && bytes === (text.length / 4) * 3 - padding && !text.includes('-') && !text.includes('_');
}

/** Base64 of one of the two alphabets, padded or not. It may have line breaks, as in Go. */
function isBase64(text: string): boolean {
  const data = text.replace(/[\r\n]/g, '');
  const bare = data.replace(/={1,2}$/, '');
  if (!/^[A-Za-z\d+/]*$/.test(bare) && !/^[\w-]*$/.test(bare)) return false;
  return text.length % 4 === 0 ? data.length % 4 === 0 : bare === data && bare.length % 4 !== 1;
}

function isText(json: JsonValue): json is string {
  return typeof json === 'string' && numberText(json) === undefined;
}

/** A refused value for an error message: as it was written, shortened. */
export function show(json: JsonValue): string {
  const text = numberText(json) ?? JSON.stringify(withPlainNumbers(json));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
