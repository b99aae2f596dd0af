/** Functions on values, which compiled rules call. */

/** The number of code points of a text, in which `buf.validate` counts. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

/** The length of a text in UTF-8. */
export const byteLength = (text: string): number => Buffer.byteLength(text);

/** Bytes from their hexadecimal form. */
export const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** Whether both have the same bytes. */
export const sameBytes = (value: Uint8Array, other: Buffer): boolean => other.equals(value);

/** Whether `value` begins with `prefix`. */
export const bytesStartWith = (value: Uint8Array, prefix: Buffer): boolean =>
  prefix.equals(value.subarray(0, prefix.length));

/** Whether `value` ends with `suffix`. */
export const bytesEndWith = (value: Uint8Array, suffix: Buffer): boolean =>
  value.length >= suffix.length && suffix.equals(value.subarray(value.length - suffix.length));

/** Whether `value` has `part` anywhere. */
export const bytesInclude = (value: Uint8Array, part: Buffer): boolean =>
  Buffer.from(value.buffer, value.byteOffset, value.length).includes(part);

/** The text that the bytes are in UTF-8; undefined if they are none. */
export function utf8(value: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(value);
  } catch {
    return undefined;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether no two values are equal. NaN equals nothing, as in IEEE 754. */
export function isUnique(values: readonly unknown[]): boolean {
  if (values.length < 2) return true;
  const seen = new Set<unknown>();
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    const key = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
    if (seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}

/** A duration or a timestamp, as their contracts have them. */
export interface Span {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** The nanoseconds of a duration, or of a timestamp since 1970. */
export const toNanos = ({ seconds, nanos }: Span): bigint => seconds * 1_000_000_000n + BigInt(nanos);

/** The nanoseconds since 1970 of a timestamp that was decoded to a `Date`, to the nanosecond if it is a `NanoDate`. */
export const instantOf = (date: Date & { readonly nanos?: number }): bigint =>
  BigInt(date.getTime()) * 1_000_000n + BigInt(date.nanos ?? 0);

/** The present in nanoseconds since 1970. */
export const now = (): bigint => BigInt(globalThis.Date.now()) * 1_000_000n;

/** Whether the path of a field mask, or a message around it, is among `paths`. */
export const coversPath = (paths: readonly string[], path: string): boolean =>
  paths.some((one) => path === one || path.startsWith(`${one}.`));

/** The number of entries of a map, which generated code has as an object or as a `Map`. */
export const sizeOf = (map: object): number => (map instanceof Map ? map.size : Object.keys(map).length);

/** The entries of a map, which generated code has as an object or as a `Map`. */
export const entriesOf = (map: object): readonly (readonly [unknown, unknown])[] =>
  map instanceof Map ? [...map] : Object.entries(map);

/** A key of a map in the path of a field, such as `["a"]` or `[7]`. */
export const keyPath = (key: unknown): string =>
  typeof key === 'string' ? `["${key.replace(/[\\"\r\n]/g, escaped)}"]` : `[${String(key)}]`;

const ESCAPES: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n' };
const escaped = (character: string) => ESCAPES[character] ?? `\\${character}`;
