/** Functions on values, which compiled rules call. */

/** The number of code points of a text, in which `buf.validate` counts. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

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

/** The nanoseconds of a duration; of a time, those since 1970, also those of a `NanoDate`. */
export function nanosOf(
  value: { readonly seconds: bigint; readonly nanos: number } | (Date & { readonly nanos?: number }),
): bigint {
  if ('seconds' in value) return value.seconds * 1_000_000_000n + BigInt(value.nanos);
  return BigInt(value.getTime()) * 1_000_000n + BigInt(value.nanos ?? 0);
}

/** The entries of a map, which generated code has as an object or as a `Map`. */
export const entriesOf = (map: object): readonly (readonly [unknown, unknown])[] =>
  map instanceof Map ? [...map] : Object.entries(map);

/** A key of a map in the path of a field, such as `["a"]` or `[7]`. */
export const keyPath = (key: unknown): string =>
  typeof key === 'string' ? `["${key.replace(/[\\"\r\n]/g, escaped)}"]` : `[${String(key)}]`;

const ESCAPES: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n' };
const escaped = (character: string) => ESCAPES[character] ?? `\\${character}`;
